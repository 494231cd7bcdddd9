"""Reads statsd lines from stream connections.

Lines end with a line feed. Clients of Datadog send packets of lines instead, each after its length.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol, ServerFactory, connectionDone
from twisted.python.failure import Failure

from zibrato.descriptors import connection_limit

MAX_LINE = 65_536
"""Bytes; a longer line or packet is rejected."""
_LENGTH = struct.Struct("<I")
MAX_CONNECTIONS = 1000


class LineFactory(ServerFactory):
    """Hands the lines of all connections to `receive`; `received` counts the bytes that came."""

    noisy = False

    def __init__(
        self, receive: Callable[[Sequence[bytes]], None], reject: Callable[[int, str], None]
    ) -> None:
        self.receive = receive
        self.reject = reject
        self.received = 0
        self.connections: set[LineProtocol] = set()

    def buildProtocol(self, _address: IAddress | None) -> LineProtocol | None:
        """Return the protocol of a connection; None if there are too many connections."""
        if len(self.connections) >= connection_limit(MAX_CONNECTIONS):
            self.reject(1, "connections")
            return None
        return LineProtocol(self)

    def hang_up(self) -> None:
        """End all connections."""
        for connection in list(self.connections):
            connection.hang_up()


class LineProtocol(Protocol):
    """A connection, whose lines end with a line feed or with the connection, or come in packets."""

    def __init__(self, factory: LineFactory) -> None:
        self._lines = factory
        self._rest = b""
        self._has_packets: bool | None = None
        self._skipping = False

    def connectionMade(self) -> None:
        """Note the connection."""
        self._lines.connections.add(self)

    def dataReceived(self, data: bytes) -> None:
        """Hand over complete lines, and keep the beginning of the next."""
        self._lines.received += len(data)
        data = self._rest + data
        if self._has_packets is None and len(data) >= _LENGTH.size:
            # No text has a zero byte there, and no packet is so long that its length has none.
            self._has_packets = data[_LENGTH.size - 1] == 0
        if self._has_packets is None:
            self._rest = data
        elif self._has_packets:
            self._split_packets(data)
        else:
            self._split_lines(data)

    def connectionLost(self, _reason: Failure = connectionDone) -> None:
        """Hand over the last line if it had no line feed."""
        self._lines.connections.discard(self)
        self._hand_over_rest()

    def hang_up(self) -> None:
        """End the connection."""
        self._hand_over_rest()
        if self.transport is not None:
            self.transport.loseConnection()

    def _split_lines(self, data: bytes) -> None:
        whole, newline, self._rest = data.rpartition(b"\n")
        if len(whole) > MAX_LINE or self._skipping:  # only the first line can be too long
            first, _, others = whole.partition(b"\n")
            if newline and (self._skipping or len(first) > MAX_LINE):
                self._reject_line()
                self._skipping = False
                whole = others
        if whole:
            self._lines.receive([whole])
        if len(self._rest) > MAX_LINE:
            self._rest = b""
            self._reject_line()
            self._skipping = True

    def _reject_line(self) -> None:
        if not self._skipping:  # else it is counted
            self._lines.reject(1, "size")

    def _split_packets(self, data: bytes) -> None:
        packets, begin, length = [], 0, 0
        while len(data) - begin >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(data, begin)
            end = begin + _LENGTH.size + length
            if length > MAX_LINE or end > len(data):
                break
            packets.append(data[begin + _LENGTH.size : end])
            begin = end
        self._rest = data[begin:]
        if packets:
            self._lines.receive(packets)
        if length > MAX_LINE:
            self.hang_up()

    def _hand_over_rest(self) -> None:
        rest, self._rest = self._rest, b""
        if rest and self._has_packets:
            self._lines.reject(1, "size")  # what is missing may be the end of a number
        elif rest and not self._skipping:
            self._lines.receive([rest])
