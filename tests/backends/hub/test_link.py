"""Two sockets to a peer that is real ZeroMQ: what goes out, and whose messages come in."""

from __future__ import annotations

from pathlib import Path

import pytest
import zmq

from tests.backends.hub.peer import Peer
from tests.integration.processes import eventually
from zibrato.backends.hub.link import HIGH_WATER, Link
from zibrato.endpoint import Endpoint
from zibrato.wire import Acknowledgement


def link_to(path: Path) -> Link:
    endpoint = Endpoint.of_client(f"ipc://{path}/hub")
    way_back = endpoint.way_back()
    assert way_back is not None
    return Link(endpoint, way_back, None)


def test_frames_go_out_and_messages_to_its_client_come_in(tmp_path: Path) -> None:
    link = link_to(tmp_path)
    with Peer(tmp_path) as peer:
        assert link.send(b"frame")
        assert peer.frame() == b"frame"
        assert list(link.acknowledgements("a")) == []
        assert peer.subscription() == b"\1a"
        peer.tell("ab", 9)
        peer.tell("a", 3)
        messages: list[Acknowledgement] = []

        def has_come() -> bool:
            messages.extend(link.acknowledgements("a"))
            return bool(messages)

        eventually(has_come)
        assert [message.committed for message in messages] == [3]
        assert list(link.acknowledgements("b")) == []
        assert {peer.subscription(), peer.subscription()} == {b"\0a", b"\1b"}
        link.close()


def test_nothing_waits_where_nobody_is(tmp_path: Path) -> None:
    link = link_to(tmp_path)
    assert [link.send(b"frame") for _ in range(HIGH_WATER + 1)] == [True] * HIGH_WATER + [False]
    assert list(link.acknowledgements("a")) == []
    link.close()


def test_it_is_opened_anew_after_it_was_closed(tmp_path: Path) -> None:
    link = link_to(tmp_path)
    link.close()
    with Peer(tmp_path) as peer:
        for frame in (b"one", b"two"):
            assert link.send(frame)
            assert peer.frame() == frame
            link.close()


def test_a_path_that_is_too_long_is_an_error_and_leaves_nothing_open(tmp_path: Path) -> None:
    link = link_to(tmp_path / ("x" * 200))
    with pytest.raises(zmq.ZMQError):
        link.send(b"frame")
    with pytest.raises(zmq.ZMQError):
        list(link.acknowledgements("a"))
