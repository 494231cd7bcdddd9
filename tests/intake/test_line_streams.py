"""Connections: lines in pieces, without an end, too long, too many."""

from __future__ import annotations

from collections import Counter
from unittest.mock import patch

import pytest
from twisted.internet.testing import StringTransport

from zibrato.intake import line_streams
from zibrato.intake.line_streams import MAX_LINE, LineFactory, LineProtocol


class Lines:
    """A factory, and what came of its connections."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.rejected: Counter[str] = Counter()
        self.factory = LineFactory(self.frames.extend, self.reject)

    def reject(self, count: int, reason: str) -> None:
        self.rejected[reason] += count

    def connect(self) -> LineProtocol:
        protocol = self.factory.buildProtocol(None)
        assert protocol is not None
        protocol.makeConnection(StringTransport())
        return protocol


def test_lines_come_whole_in_whatever_pieces() -> None:
    lines = Lines()
    connection = lines.connect()
    for piece in (b"a:1", b"|c\nb:1|c\nc", b":1|c", b"\n", b"d:1|c"):
        connection.dataReceived(piece)
    assert lines.frames == [b"a:1|c\nb:1|c", b"c:1|c"]
    connection.connectionLost()
    assert lines.frames[2:] == [b"d:1|c"]
    assert lines.factory.received == 23


@pytest.mark.attack("a connection without line feeds", before="no such intake")
def test_a_line_that_is_too_long_is_rejected_and_the_next_taken() -> None:
    lines = Lines()
    connection = lines.connect()
    for _ in range(5):
        connection.dataReceived(b"x" * MAX_LINE)
        assert len(connection._rest) <= MAX_LINE
    assert lines.rejected == {"size": 1}
    connection.dataReceived(b"xx\na:1|c\nb")
    connection.dataReceived(b":1|c\n")
    assert lines.frames == [b"a:1|c", b"b:1|c"]
    connection.dataReceived(b"x" * (MAX_LINE + 1))
    connection.connectionLost()
    assert lines.rejected == {"size": 2}
    assert len(lines.frames) == 2


@pytest.mark.attack("a line that is too long and ends at once", before="taken up to 128 KiB")
@pytest.mark.parametrize("rest", [b"x" * MAX_LINE, b"x" * MAX_LINE + b"\nb:1|c"])
def test_a_line_that_is_too_long_is_rejected_even_if_its_end_comes_at_once(rest: bytes) -> None:
    lines = Lines()
    connection = lines.connect()
    for piece in (b"a:1|c\nlong", rest, b"\nc:1|c\n"):
        connection.dataReceived(piece)
    assert lines.rejected == {"size": 1}
    assert b"\n".join(lines.frames).split(b"\n") == [
        b"a:1|c",
        *rest.split(b"\n")[1:],
        b"c:1|c",
    ]


def packet(data: bytes) -> bytes:
    """Return a packet as clients of Datadog send it over a connection."""
    return len(data).to_bytes(4, "little") + data


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_packets_come_whole_in_whatever_pieces(size: int) -> None:
    lines = Lines()
    connection = lines.connect()
    long = b"b:1|c|c:" + b"x" * 300
    data = packet(b"a:1|c\na:2|c") + packet(b"") + packet(long) + packet(b"\n") + packet(b"c:1|c\n")
    for begin in range(0, len(data), size):
        connection.dataReceived(data[begin : begin + size])
    assert lines.frames == [b"a:1|c\na:2|c", b"", long, b"\n", b"c:1|c\n"]
    connection.connectionLost()
    assert not lines.rejected


def test_a_packet_that_ends_early_is_rejected_since_a_number_may_be_cut() -> None:
    lines = Lines()
    connection = lines.connect()
    connection.dataReceived(packet(b"a:1|c") + packet(b"a:123|c")[:-3])
    connection.connectionLost()
    assert lines.frames == [b"a:1|c"]
    assert lines.rejected == {"size": 1}


@pytest.mark.attack("a packet of statsd lines that is too long", before="read as lines")
def test_a_packet_that_is_too_long_ends_the_connection() -> None:
    lines = Lines()
    connection = lines.connect()
    connection.dataReceived(packet(b"a:1|c") + packet(b"x" * (MAX_LINE + 1)))
    assert lines.frames == [b"a:1|c"]
    assert isinstance(connection.transport, StringTransport)
    assert connection.transport.disconnecting
    connection.connectionLost()
    assert lines.rejected == {"size": 1}


@pytest.mark.attack("very many connections of lines", before="no such intake")
def test_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_streams, "MAX_CONNECTIONS", 2)
    lines = Lines()
    connections = [lines.connect(), lines.connect()]
    assert lines.factory.buildProtocol(None) is None
    assert lines.rejected == {"connections": 1}
    connections[0].connectionLost()
    lines.connect()


def test_three_quarters_of_the_descriptors_are_for_others() -> None:
    lines = Lines()
    with patch("resource.getrlimit", return_value=(8, 8)):
        connections = [lines.connect(), lines.connect()]
        assert lines.factory.buildProtocol(None) is None
    assert lines.factory.connections == set(connections)


def test_hanging_up_hands_over_what_has_come() -> None:
    lines = Lines()
    connection = lines.connect()
    connection.dataReceived(b"a:1|c")
    lines.factory.hang_up()
    assert lines.frames == [b"a:1|c"]
    connection.connectionLost()
    assert lines.frames == [b"a:1|c"]
    transport = connection.transport
    assert isinstance(transport, StringTransport)
    assert transport.disconnecting
