"""An HTTP/1.1 connection with bounds: of bodies, of time, and of responses that nobody reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, Protocol

from twisted.internet.error import ConnectionAborted
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.server import Request

from zibrato.store.api.requests import MAX_BODY

DEADLINE = 30.0
"""Seconds in which a client has to send a whole request."""
READ_DEADLINE = 60.0
"""Seconds in which a client has to read a response, except what the system's buffers hold."""
MAX_UNREAD = 256 << 20
"""The most bytes of unread responses, of all connections together."""
SMALL = 1 << 16
"""Bytes that a transport accepts before it says that it has enough."""
CLOSE_DEADLINE = 15.0
"""Seconds in which a connection has to end after the last data was written to it."""


class ChannelSet(Protocol):
    """A site that keeps its open connections in `channels`.

    Those that wait for their clients, to send a request or to read a response, are also in
    `waiting`, the longest first.
    """

    channels: set[BoundedChannel]
    waiting: dict[BoundedChannel, None]

    def closes_unread(self, channel: BoundedChannel) -> None:
        """Note that a connection is closed, because all clients together have too much unread."""


class BoundedChannel(HTTPChannel):
    """A connection that handles one request at a time, and is dropped if the client takes too long.

    Twisted starts the next pipelined request while the previous response is still in the
    transport's buffer, however large that is. Here, if a request has written more than the
    transport accepts, it is finished only when that has been sent, and the next request waits for
    that.
    """

    site: ChannelSet
    transport: Any  # TCP's, TLS's or a Unix socket's: no interface has all that they share
    callLater: Callable[..., IDelayedCall]  # Twisted sets it to the reactor's
    address: str | None = None
    """The client's address, or None for a Unix socket."""
    blocked = False
    """Whether the transport's buffer is full."""
    unread = 0
    """The number of bytes in the transport's buffer while it is full."""
    dropped = False
    """Whether the client is dropped; the connection is reported as lost in a later turn."""
    _finishing: BoundedRequest | None = None
    _deadline: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Wait for the first request."""
        HTTPChannel.connectionMade(self)
        self.site.channels.add(self)
        self.waits(True)
        self.limit(DEADLINE)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Release everything."""
        self.limit(None)
        self._finishing = None
        self.site.channels.discard(self)
        self.waits(False)
        HTTPChannel.connectionLost(self, reason)

    def waits(self, for_client: bool) -> None:
        """Note whether the connection waits for its client, from now on."""
        self.site.waiting.pop(self, None)
        if for_client:
            self.site.waiting[self] = None

    def limit(self, seconds: float | None) -> None:
        """Drop the client in so many seconds, unless this is called again, maybe with None."""
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None
        if seconds is not None:
            self._deadline = self.callLater(seconds, self.forceAbortClient)

    def finish_when_read(self, request: BoundedRequest) -> None:
        """Finish a request whose response is written, when the transport has sent the response."""
        if self.blocked:
            self._finishing = request
            self.waits(True)
            self.limit(READ_DEADLINE)
        elif not self.dropped:
            request.finish_now()

    def write(self, data: bytes) -> None:
        """Write a part of a response whose length was set."""
        self.writeSequence([data])

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Write a part of a response; drop the client if too much is unread."""
        parts = [*iovec]
        size = sum(map(len, parts))
        if size > SMALL and self._is_too_much(size):
            self.site.closes_unread(self)
            HTTPChannel.stopProducing(self)
            self.forceAbortClient()
        if not self.dropped:
            self.unread += size
            HTTPChannel.writeSequence(self, parts)
        if not self.blocked:
            self.unread = 0

    def _is_too_much(self, size: int) -> bool:
        """Return whether so many bytes would exceed MAX_UNREAD; the only unread ones never do."""
        unread = sum(channel.unread for channel in self.site.channels)
        return unread > 0 and unread + size > MAX_UNREAD

    def pauseProducing(self) -> None:
        """Note that the transport accepts no more for now."""
        self.blocked = True
        HTTPChannel.pauseProducing(self)

    def resumeProducing(self) -> None:
        """Go on; if the last response has been sent, begin the next request."""
        self.blocked = False
        self.unread = 0
        HTTPChannel.resumeProducing(self)
        request, self._finishing = self._finishing, None
        if request is not None:
            self.limit(None)
            request.finish_now()

    def rawDataReceived(self, data: bytes) -> None:
        """Receive a body or pipelined requests; stop reading while the client doesn't read."""
        HTTPChannel.rawDataReceived(self, data)
        if self.blocked:  # requestDone resumes reading
            self.transport.pauseProducing()

    def requestDone(self, request: Request) -> None:
        """Wait for the next request, or begin it if the client has sent it."""
        self.waits(True)
        HTTPChannel.requestDone(self, request)

    def loseConnection(self) -> None:
        """End the connection when everything is written, or at the deadline."""
        HTTPChannel.loseConnection(self)
        self.limit(CLOSE_DEADLINE)

    def timeoutConnection(self) -> None:
        """End a connection on which nothing was received for a while."""
        self.loseConnection()

    def forceAbortClient(self) -> None:
        """Drop the client at once, with everything that isn't sent yet."""
        self.limit(None)
        self.dropped = True
        self.transport.abortConnection()

    def give_way(self) -> None:
        """Drop the client in favour of another one; its descriptor is free at once."""
        self.forceAbortClient()
        below = getattr(self.transport, "transport", self.transport)  # of TLS
        if isinstance(below, Connection):
            below.connectionLost(Failure(ConnectionAborted()))
        self.site.channels.discard(self)
        self.waits(False)


class BoundedRequest(Request):
    """A request whose body is parsed only on demand, and isn't kept if it is too large."""

    too_large = False
    channel: BoundedChannel
    content: BytesIO

    def __init__(self, channel: BoundedChannel, *args: object, **named: object) -> None:
        Request.__init__(self, channel, *args, **named)
        self._size = 0
        channel.limit(DEADLINE)

    def gotLength(self, length: int | None) -> None:
        """Begin to receive a body, in memory: a file would take one more descriptor."""
        self.content = BytesIO()
        self.too_large = length is not None and length > MAX_BODY

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a part of the body if there is room for it."""
        if not self.too_large and self._size + len(data) <= MAX_BODY:
            self._size += len(data)
            Request.handleContentChunk(self, data)
        else:
            self.too_large = True

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Process the request.

        This replaces Twisted's method, which parses forms before access is checked, and takes
        seconds for 100 kB of multipart. `args` stays empty.
        """
        self.channel.limit(None)
        self.channel.waits(False)
        self.content.seek(0)
        self.args = {}
        self.method, self.uri, self.clientproto = command, path, version
        self.path = path.partition(b"?")[0]
        Request.process(self)

    def finish(self) -> None:
        """Finish the request as soon as the client has read enough of the response."""
        if self._disconnected:
            Request.finish(self)  # raises
        else:
            self.channel.finish_when_read(self)

    def finish_now(self) -> None:
        """Finish the request; the next one may begin at once."""
        Request.finish(self)
