"""One TCP connection that takes bytes to a peer that answers nothing.

The peer has read them all if it closes its side after ours was closed: who is killed, and who
closes with something unread, resets the connection. What its kernel has not acknowledged by then
it has not read either.
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
TIMEOUT = 30.0
"""Seconds in which a peer must take something, and have closed after the end."""


async def stream(
    address: ServerAddress, chunks: Iterator[bytes], reactor: Reactor, timeout: float = TIMEOUT
) -> None:
    """Send chunks, each as the one before is on its way; raises RetryLater unless all are read."""
    endpoint = HostnameEndpoint(reactor, address.host, address.port, CONNECT_TIMEOUT)
    sending = _Sending(chunks, reactor, timeout)
    try:
        await endpoint.connect(_Once(sending))
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
        """Return what was given."""
        return self._protocol


@implementer(IPullProducer, IHalfCloseableProtocol)
class _Sending(Protocol):
    """Sends what there is, then waits for the peer's end."""

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
        """Send the next chunk, or say that there is none."""
        if self._stalling is not None and self._stalling.active():
            self._stalling.reset(self._timeout)
        chunk = next(self._chunks, None)
        if chunk is not None:
            self.transport.write(chunk)
        else:
            self.transport.unregisterProducer()
            # Only our end: the peer's own end is then the word that it has read all.
            self.transport.loseWriteConnection()

    def stopProducing(self) -> None:
        """Do nothing: the connection is lost, and what calls this says so, too."""

    def dataReceived(self, _data: bytes) -> None:
        """Overhear it: carbon has nothing to say."""

    def writeConnectionLost(self) -> None:
        """Note that our end is on its way."""
        self._has_sent_all = True

    def readConnectionLost(self) -> None:
        """Close: the peer has said that it reads no more."""
        if not self._has_sent_all:
            self._give_up("the server closed the connection before it had read everything")
        elif _unacknowledged(self.transport):
            self._give_up("the server closed the connection while data was on its way")
        else:
            self.transport.loseConnection()

    def _stalled(self) -> None:
        """Give up on a peer that takes nothing."""
        self._give_up(f"the server accepted no data for {self._timeout:g} s")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Say whether all has arrived."""
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
    """Return how many bytes the peer's kernel has not acknowledged; 0 where nobody can say."""
    room = bytearray(struct.calcsize("i"))
    with suppress(OSError):
        fcntl.ioctl(transport.getHandle(), termios.TIOCOUTQ, room)
    (count,) = struct.unpack("i", room)
    return int(count)
