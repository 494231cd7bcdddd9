"""An HTTP server that bounds its connections, in total and from one address."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.error import ConnectionAborted
from twisted.internet.interfaces import IAddress, IReactorTime, ITCPTransport
from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Connection
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import Site

from zibrato.descriptors import connection_limit
from zibrato.store.web.channel import MAX_UNREAD, BoundedChannel, BoundedRequest

IDLE = 60
"""Seconds that a connection may be silent between two requests."""
MAX_CONNECTIONS = 512
MAX_PER_ADDRESS = 128
"""Connections from one address; a proxy on this host needs them for all of its clients."""
LOG_EVERY = 60.0
"""Seconds."""


class BoundedSite(Site):
    """Serves a resource without logging requests; drops idle clients and rejects too many of them.

    There are at most `max_connections`, a quarter of the descriptors and MAX_PER_ADDRESS. Beyond
    that a new connection takes the place of the one that has waited for its client for longest, so
    that silent clients keep nobody out; if none waits, the new one is closed at once. Only HTTP/1.1
    is spoken, also over TLS, so that a connection handles one request at a time.
    """

    _log = Logger()
    noisy = False
    protocol = BoundedChannel  # type: ignore[assignment]  # Twisted's type is its own channel

    def __init__(
        self, resource: Resource, reactor: IReactorTime, max_connections: int = MAX_CONNECTIONS
    ) -> None:
        Site.__init__(self, resource, requestFactory=BoundedRequest, timeout=IDLE, reactor=reactor)
        self.displayTracebacks = False
        self.channels: set[BoundedChannel] = set()
        self.waiting: dict[BoundedChannel, None] = {}
        self._max_connections = max_connections
        self._log_after = 0.0

    def startFactory(self) -> None:
        """Begin to listen, after the limit of descriptors was raised."""
        Site.startFactory(self)
        self._max_connections = connection_limit(self._max_connections)

    def log(self, _request: object) -> None:
        """Log nothing."""

    def acceptableProtocols(self) -> list[bytes]:
        """Return the protocols that are spoken over TLS."""
        return [b"http/1.1"]

    def buildProtocol(self, addr: IAddress | None) -> Any:  # Twisted's type of it is private
        """Return the protocol of a connection; excess connections get one that closes them."""
        address = getattr(addr, "host", None)  # a client of a Unix socket has none
        if self._is_full(address) and not self._make_room(address):
            return _Rejection()
        channel = Site.buildProtocol(self, addr)
        channel.address = address
        return channel

    def closes_unread(self, channel: BoundedChannel) -> None:
        """Log, at most once a minute, that a connection is closed because too much is unread."""
        self._warn(
            "responses of {size} MiB wait to be read: a connection from {address} is closed",
            size=MAX_UNREAD >> 20,
            address=channel.address,
        )

    def _warn(self, words: str, **fields: object) -> None:
        now = self.reactor.seconds()
        if now >= self._log_after:
            self._log_after = now + LOG_EVERY
            self._log.warn(words, **fields)

    def _is_full(self, address: str | None) -> bool:
        return len(self.channels) >= self._max_connections or self._has_all(address)

    def _has_all(self, address: str | None) -> bool:
        """Return whether an address has as many connections as it may have."""
        others = sum(channel.address == address for channel in self.channels)
        return address is not None and others >= MAX_PER_ADDRESS

    def _make_room(self, address: str | None) -> bool:
        """Close the connection that has waited for longest; return False if there is none.

        It is one of the same address, if that has as many as it may have.
        """
        own = self._has_all(address)
        waiting = (one for one in self.waiting if not own or one.address == address)
        longest = next(waiting, None)
        self._warn(
            "too many connections: {count} are open; one from {address} that {state} is closed",
            count=len(self.channels),
            address=address if longest is None else longest.address,
            state="is new" if longest is None else "waits for its client",
        )
        if longest is not None:
            longest.give_way()
        return longest is not None


class _Rejection(Protocol):
    """Closes the connection; TLS needs a protocol for that."""

    def connectionMade(self) -> None:
        """Close the connection at once.

        A reactor accepts all connections of a burst in one turn. If they were closed in the next
        turn, as aborted connections are, they could have used up all descriptors by then, and
        libzmq ends the process if it gets none. A TLS connection, which is about to shake hands,
        can't be closed sooner.
        """
        if isinstance(self.transport, Connection):
            self.transport.connectionLost(Failure(ConnectionAborted()))
        else:
            cast(ITCPTransport, self.transport).abortConnection()
