"""Datagrams: in turns of a bounded length, cut ones counted."""

from __future__ import annotations

import socket
from unittest.mock import Mock

import pytest

from tests.intake.line_clients import Reactor
from zibrato.intake import datagrams
from zibrato.intake.datagrams import AT_ONCE, MAX_DATAGRAM, DatagramReader


class Pair:
    """A reader of one end of a pair of datagram sockets."""

    def __init__(self) -> None:
        self.here, self.there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.here.setblocking(False)
        self.frames: list[bytes] = []
        self.rejected: list[tuple[int, str]] = []
        self.reactor = Reactor()
        self.reader = DatagramReader(
            self.here, self.frames.extend, lambda *what: self.rejected.append(what), self.reactor
        )

    def __enter__(self) -> Pair:
        return self

    def __exit__(self, *_error: object) -> None:
        self.here.close()
        self.there.close()


def test_all_there_is_is_read_in_a_turn() -> None:
    with Pair() as pair:
        pair.there.setblocking(False)
        for number in range(AT_ONCE // 2):
            pair.there.send(b"%d" % number)
        pair.reader.doRead()
        assert pair.frames == [b"%d" % number for number in range(AT_ONCE // 2)]
        pair.reader.doRead()
        assert len(pair.frames) == AT_ONCE // 2
        assert pair.reader.take_drops() == 0
        assert pair.reader.logPrefix() == "statsd"


def test_a_turn_ends_where_there_is_no_end_of_datagrams(monkeypatch: pytest.MonkeyPatch) -> None:
    with Pair() as pair:
        times = iter([0.0, *(0.002 * number for number in range(1, 100))])
        monkeypatch.setattr(datagrams, "perf_counter", lambda: next(times))

        def refill(frames: list[bytes]) -> None:
            pair.frames += frames
            for _ in range(AT_ONCE):
                pair.there.send(b"x")

        refill([])
        pair.reader._receive = refill  # type: ignore[assignment]  # a stand-in
        pair.there.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        pair.reader.doRead()
        assert len(pair.frames) == 3 * AT_ONCE


def test_a_datagram_that_was_cut_is_rejected() -> None:
    with Pair() as pair:
        for _ in range(2):
            pair.there.send(b"x" * MAX_DATAGRAM)
        pair.there.send(b"y" * (MAX_DATAGRAM - 1))
        pair.reader.doRead()
        assert [frame[:1] for frame in pair.frames] == [b"y"]
        assert pair.rejected == [(2, "size")]


@pytest.mark.parametrize("answer", [b"\0" * 32, OSError("no such option")])
def test_where_the_kernel_tells_no_drops_none_are_counted(answer: bytes | OSError) -> None:
    with Pair() as pair:
        pair.reader._socket = Mock(getsockopt=Mock(side_effect=[answer]))
        assert pair.reader.take_drops() == 0


def test_nothing_is_read_once_it_is_stopped() -> None:
    with Pair() as pair:
        assert pair.reactor.readers == [pair.reader]
        assert pair.reader.fileno() == pair.here.fileno()
        pair.reader.stop()
        assert pair.reactor.readers == []
