"""Reads statsd lines from stream connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol, ServerFactory, connectionDone
from twisted.python.failure import Failure

from zibrato.descriptors import connection_limit

MAX_LINE = 65_536
"""Bytes; a longer line is rejected."""
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
    """A connection, whose lines end with a line feed or with the connection."""

    def __init__(self, factory: LineFactory) -> None:
        self._lines = factory
        self._rest = b""
        self._skipping = False

    def connectionMade(self) -> None:
        """Note the connection."""
        self._lines.connections.add(self)

    def dataReceived(self, data: bytes) -> None:
        """Hand over complete lines, and keep the beginning of the next."""
        self._lines.received += len(data)
        whole, newline, rest = (self._rest + data).rpartition(b"\n")
        if newline and self._skipping:
            _, _, whole = whole.partition(b"\n")
            self._skipping = False
        if whole:
            self._lines.receive([whole])
        self._rest = rest
        if len(rest) > MAX_LINE:
            self._rest = b""
            if not self._skipping:
                self._lines.reject(1, "size")
            self._skipping = True

    def connectionLost(self, _reason: Failure = connectionDone) -> None:
        """Hand over the last line if it had no line feed."""
        self._lines.connections.discard(self)
        self._hand_over_rest()

    def hang_up(self) -> None:
        """End the connection."""
        self._hand_over_rest()
        if self.transport is not None:
            self.transport.loseConnection()

    def _hand_over_rest(self) -> None:
        rest, self._rest = self._rest, b""
        if rest and not self._skipping:
            self._lines.receive([rest])
