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
