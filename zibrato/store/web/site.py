"""An HTTP server in bounds: of bodies, and of the time that a client may take."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from zibrato.store.api.requests import MAX_BODY

IDLE = 60
"""Seconds that a connection may be silent between two requests."""
DEADLINE = 30.0
"""Seconds that a client has to send a request, however slowly it does."""


class BoundedRequest(Request):
    """Drops what of a body is too much, and clients that take too long to send it."""

    too_large = False

    # Twisted has a class for a channel of HTTP/1.1 and one of HTTP/2, and passes on what it likes.
    def __init__(self, channel: Any, *args: Any, **named: Any) -> None:
        Request.__init__(self, channel, *args, **named)
        channel.has_asked = True
        self._size = 0
        self._deadline = channel.callLater(DEADLINE, channel.forceAbortClient)

    def gotLength(self, length: int | None) -> None:
        """Begin to receive a body; what is too large is not kept."""
        if length is not None and length > MAX_BODY:
            self.too_large = True
            self.content = BytesIO()
        else:
            Request.gotLength(self, length)

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a part of the body, where there is room for it."""
        if not self.too_large and self._size + len(data) <= MAX_BODY:
            self._size += len(data)
            Request.handleContentChunk(self, data)
        else:
            self.too_large = True

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Answer it."""
        self._received()
        Request.requestReceived(self, command, path, version)

    def connectionLost(self, reason: Failure) -> None:
        """Wait for nothing more."""
        self._received()
        Request.connectionLost(self, reason)

    def _received(self) -> None:
        if self._deadline.active():
            self._deadline.cancel()


class BoundedSite(Site):
    """Serves a resource, without a log of requests; idle clients are dropped."""

    noisy = False

    def __init__(self, resource: Resource, reactor: IReactorTime) -> None:
        Site.__init__(self, resource, requestFactory=BoundedRequest, timeout=IDLE, reactor=reactor)
        self.displayTracebacks = False

    def log(self, _request: object) -> None:
        """Log nothing."""

    def buildProtocol(self, addr: IAddress | None) -> Any:  # its class has no public name
        """Return the protocol of a connection that must send its first request in time."""
        protocol = Site.buildProtocol(self, addr)
        if protocol is not None:
            self.reactor.callLater(DEADLINE, _drop_silent, protocol)
        return protocol


def _drop_silent(protocol: Any) -> None:
    """Drop a connection over which nobody has begun to ask for anything."""
    channel = protocol._channel
    if not getattr(channel, "has_asked", False) and channel.transport is not None:
        channel.forceAbortClient()
