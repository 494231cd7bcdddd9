"""A TCP connection that sends bytes to a peer that doesn't answer.

If the peer closes its side after ours was closed, it has read everything: a peer that is killed, or
closes with unread data, resets the connection. It hasn't read what its kernel hasn't acknowledged
by then, either.
"""

from __future__ import annotations

import fcntl
import struct
import termios
from collections.abc import Iterator
from contextlib import suppress

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IHalfCloseableProtocol,
    IPullProducer,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure
from zope.interface import implementer

from zibrato.backends.server_address import ServerAddress
from zibrato.interfaces import Reactor, RetryLater

__all__ = ["CONNECT_TIMEOUT", "TIMEOUT", "stream"]

CONNECT_TIMEOUT = 10.0
"""Seconds."""
TIMEOUT = 30.0
"""Seconds in which a peer must read something, or close its side after the end."""


async def stream(
    address: ServerAddress, chunks: Iterator[bytes], reactor: Reactor, timeout: float = TIMEOUT
) -> None:
    """Send chunks, one after the other; raises RetryLater unless the peer has read all of them."""
    endpoint = HostnameEndpoint(reactor, address.host, address.port, CONNECT_TIMEOUT)
    sending = _Sending(chunks, reactor, timeout)
    try:
        # The endpoint's own timeout begins when the name has been looked up.
        await endpoint.connect(_Once(sending)).addTimeout(2 * CONNECT_TIMEOUT, reactor)
    except Exception as error:
        raise RetryLater(f"{address}: {str(error).rstrip('.')}") from None
    try:
        await sending.finished
    except RetryLater as later:
        raise RetryLater(f"{address}: {later.reason}") from None


class _Once(Factory):
    """Has one connection, and doesn't log it."""

    noisy = False

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    def buildProtocol(self, _address: IAddress | None) -> Protocol:
        """Return the protocol that was given."""
        return self._protocol


@implementer(IPullProducer, IHalfCloseableProtocol)
class _Sending(Protocol):
    """Sends all chunks, then waits until the peer closes its side."""

    transport: Connection

    def __init__(self, chunks: Iterator[bytes], reactor: Reactor, timeout: float) -> None:
        self.finished: Deferred[None] = Deferred(
            lambda _: self._give_up("the delivery was cancelled")
        )
        self._chunks = chunks
        self._timeout = timeout
        self._reactor = reactor
        self._stalling: IDelayedCall | None = None
        self._has_sent_all = False

    def connectionMade(self) -> None:
        """Begin to send."""
        self._stalling = self._reactor.callLater(self._timeout, self._stalled)
        self.transport.registerProducer(self, False)

    def resumeProducing(self) -> None:
        """Send the next chunk; after the last one, close our side."""
        if self._stalling is not None and self._stalling.active():
            self._stalling.reset(self._timeout)
        chunk = next(self._chunks, None)
        if chunk is not None:
            self.transport.write(chunk)
        else:
            self.transport.unregisterProducer()
            # Close only our side: when the peer closes its own, it has read everything.
            self.transport.loseWriteConnection()

    def stopProducing(self) -> None:
        """Do nothing: the connection is lost, which is reported separately."""

    def dataReceived(self, _data: bytes) -> None:
        """Ignore the data: carbon has nothing to say."""

    def writeConnectionLost(self) -> None:
        """Note that the end of our side is on its way."""
        self._has_sent_all = True

    def readConnectionLost(self) -> None:
        """Close the connection: the peer reads no more."""
        if not self._has_sent_all:
            self._give_up("the server closed the connection before it had read everything")
        elif _unacknowledged(self.transport):
            self._give_up("the server closed the connection while data was on its way")
        else:
            self.transport.loseConnection()

    def _stalled(self) -> None:
        """Give up on a peer that reads nothing."""
        self._give_up(f"the server accepted no data for {self._timeout:g} s")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Report whether everything has arrived."""
        if reason.check(ConnectionDone) and self._has_sent_all:
            self._finish(None)
        else:
            self._finish(RetryLater(reason.getErrorMessage().rstrip(".")))

    def _give_up(self, why: str) -> None:
        self._finish(RetryLater(why))
        self.transport.abortConnection()

    def _finish(self, error: RetryLater | None) -> None:
        if self._stalling is not None and self._stalling.active():
            self._stalling.cancel()
        if not self.finished.called:
            if error is None:
                self.finished.callback(None)
            else:
                self.finished.errback(error)


def _unacknowledged(transport: Connection) -> int:
    """Return how many bytes the peer's kernel has not acknowledged; 0 if that is unknown."""
    room = bytearray(struct.calcsize("i"))
    with suppress(OSError):
        fcntl.ioctl(transport.getHandle(), termios.TIOCOUTQ, room)
    (count,) = struct.unpack("i", room)
    return int(count)
