"""Accepted connections: told from all others of the process, and ended where their peers are."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from zibrato.intake import accepted
from zibrato.intake.accepted import cut_off, hang_up, turn_away

Peers = tuple[str, socket.socket, socket.socket]
"""The address that ZeroMQ would bind, the accepted end of a connection to it, and the other."""


def an_ipc_address(path: Path) -> tuple[str, socket.socket]:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path / "socket"))
    return f"ipc://{path}/socket", listener


def an_abstract_address(path: Path) -> tuple[str, socket.socket]:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"\0{path}")
    return f"ipc://@{path}", listener


def a_tcp_address(_path: Path) -> tuple[str, socket.socket]:
    listener = socket.create_server(("127.0.0.1", 0))
    return f"tcp://127.0.0.1:{listener.getsockname()[1]}", listener


def a_wildcard_address(_path: Path) -> tuple[str, socket.socket]:
    listener = socket.create_server(("0.0.0.0", 0))  # noqa: S104 - any address
    return f"tcp://0.0.0.0:{listener.getsockname()[1]}", listener


@pytest.fixture(params=[an_ipc_address, an_abstract_address, a_tcp_address, a_wildcard_address])
def peers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Peers]:
    make: Callable[[Path], tuple[str, socket.socket]] = request.param
    with ExitStack() as stack:
        address, listener = make(tmp_path)
        listener.listen()
        other = stack.enter_context(socket.socket(listener.family))
        other.settimeout(30)
        other.connect(listener.getsockname())
        own = stack.enter_context(listener.accept()[0])
        stack.enter_context(listener)
        yield address, own, other


def inode(connection: socket.socket) -> int:
    return os.fstat(connection.fileno()).st_ino


def test_a_peer_sees_the_end_and_what_it_sent_arrives(peers: Peers) -> None:
    address, own, other = peers
    assert hang_up([address], 0) == (0, frozenset({inode(own)}))
    assert other.recv(1) == b""
    other.sendall(b"the rest")
    other.close()
    assert own.recv(100) == b"the rest"


def test_a_peer_of_whom_something_is_unread_is_left_for_now(peers: Peers) -> None:
    address, own, other = peers
    other.sendall(b"three")
    assert select.select([own], [], [], 30)[0]
    assert hang_up([address], 4).unread == 5
    assert select.select([other], [], [], 0)[0] == []
    assert hang_up([address], 5).unread == 5
    assert other.recv(1) == b""


def test_who_is_not_accepted_yet_waits_too(peers: Peers) -> None:
    address, _, other = peers
    with socket.socket(other.family) as late:
        late.connect(other.getpeername())
        assert hang_up([address], 0).unread == 1


def test_who_is_turned_away_does_not_come_in_and_who_is_in_stays(peers: Peers) -> None:
    address, own, other = peers
    turn_away([address])
    with socket.socket(other.family) as late:
        late.setblocking(False)
        is_in = late.connect_ex(other.getpeername()) == 0 or select.select([], [late], [], 0.05)[1]
        assert bool(is_in) is address.startswith("ipc")
        assert hang_up([address], 0).unread == bool(is_in)
    other.sendall(b"sent")
    assert own.recv(4) == b"sent"


def test_a_connection_that_is_cut_off_ends_for_both_sides(peers: Peers) -> None:
    address, own, other = peers
    cut_off(["tcp://127.0.0.1:1"])
    other.sendall(b"x")
    assert own.recv(100) == b"x"
    cut_off([address])
    assert own.recv(1) == other.recv(1) == b""
    with socket.socket(other.family) as late:
        late.connect(other.getpeername())  # who comes later isn't concerned


def test_no_other_address_is_touched(peers: Peers) -> None:
    _, _, other = peers
    turn_away(["tcp://127.0.0.1:1"])
    assert hang_up(["tcp://127.0.0.1:1", "ipc:///nowhere"], 0) == (0, frozenset())
    assert select.select([other], [], [], 0)[0] == []


def test_where_nothing_tells_what_is_open_nothing_is_known_to_wait(
    monkeypatch: pytest.MonkeyPatch, peers: Peers
) -> None:
    assert hang_up([], 0) == (0, frozenset())
    monkeypatch.setattr(accepted, "_DESCRIPTORS", "/proc/nowhere")
    cut_off([peers[0]])
    peers[2].sendall(b"x")
    assert hang_up([peers[0]], 0) == (0, frozenset())
