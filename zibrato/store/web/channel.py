"""A connection of HTTP/1.1 in bounds: of bodies, of time, of answers that nobody reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.server import Request

from zibrato.store.api.requests import MAX_BODY

DEADLINE = 30.0
"""Seconds that a client has to send a request, however slowly it does."""
READ_DEADLINE = 60.0
"""Seconds that a client has to read a response, but for what the system's buffers take."""
MAX_UNREAD = 256 << 20
"""Bytes of responses that wait for their clients to read them, of all connections together."""
SMALL = 1 << 16
"""Bytes that a transport takes before it says that it has enough."""
CLOSE_DEADLINE = 15.0
"""Seconds that a connection has to end, once the last was written to it."""


class ChannelSet(Protocol):
    """The site of channels, which are in `channels` for as long as they are open."""

    channels: set[BoundedChannel]

    def closes_unread(self, channel: BoundedChannel) -> None:
        """Note that a connection is closed, as its clients have so much to read already."""


class BoundedChannel(HTTPChannel):
    """A connection that has one request in work, and is dropped where the client takes too long.

    Twisted goes on to the next pipelined request while the response to the last is still in the
    transport's buffer, however much is there. Here a request that has written more than the
    transport takes is finished only when that has gone out: the next one waits for that.
    """

    site: ChannelSet
    transport: Any  # TCP's, TLS's or a Unix socket's: no interface has all that they share
    callLater: Callable[..., IDelayedCall]  # Twisted sets it to the reactor's
    address: str | None = None
    """Where the client is, if it isn't on a Unix socket."""
    blocked = False
    """Whether the transport has as much to send as it takes."""
    unread = 0
    """Bytes of what it has to send then."""
    dropped = False
    """Whether the client is dropped; that the connection is lost is told in a later turn."""
    _finishing: BoundedRequest | None = None
    _deadline: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Wait for the first request."""
        HTTPChannel.connectionMade(self)
        self.site.channels.add(self)
        self.limit(DEADLINE)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Leave nothing behind."""
        self.limit(None)
        self._finishing = None
        self.site.channels.discard(self)
        HTTPChannel.connectionLost(self, reason)

    def limit(self, seconds: float | None) -> None:
        """Drop the client if it is still at this point after so many seconds."""
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None
        if seconds is not None:
            self._deadline = self.callLater(seconds, self.forceAbortClient)

    def finish_when_read(self, request: BoundedRequest) -> None:
        """Finish a request, all of whose response is written, when the transport has sent it."""
        if self.blocked:
            self._finishing = request
            self.limit(READ_DEADLINE)
        elif not self.dropped:
            request.finish_now()

    def write(self, data: bytes) -> None:
        """Write a part of a response, of which the length was told."""
        self.writeSequence([data])

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Write a part of a response; drop the client where there is too much that nobody reads."""
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
        """Whether so many bytes are too much with what others have to read; one alone never has."""
        unread = sum(channel.unread for channel in self.site.channels)
        return unread > 0 and unread + size > MAX_UNREAD

    def pauseProducing(self) -> None:
        """Take note that the transport takes no more for now."""
        self.blocked = True
        HTTPChannel.pauseProducing(self)

    def resumeProducing(self) -> None:
        """Go on, with the next request where the response to the last has been sent."""
        self.blocked = False
        self.unread = 0
        HTTPChannel.resumeProducing(self)
        request, self._finishing = self._finishing, None
        if request is not None:
            self.limit(None)
            request.finish_now()

    def rawDataReceived(self, data: bytes) -> None:
        """Take a body, or what a client sends ahead: no more of that while it doesn't read."""
        HTTPChannel.rawDataReceived(self, data)
        if self.blocked:  # requestDone goes on with reading
            self.transport.pauseProducing()

    def loseConnection(self) -> None:
        """End the connection, when all is written or at the deadline."""
        HTTPChannel.loseConnection(self)
        self.limit(CLOSE_DEADLINE)

    def timeoutConnection(self) -> None:
        """End a connection over which nothing came for a while."""
        self.loseConnection()

    def forceAbortClient(self) -> None:
        """Drop the client at once, and what wasn't sent yet."""
        self.limit(None)
        self.dropped = True
        self.transport.abortConnection()


class BoundedRequest(Request):
    """A request whose body nobody parses unless asked, of which what is too much is not kept."""

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
        """Keep a part of the body, where there is room for it."""
        if not self.too_large and self._size + len(data) <= MAX_BODY:
            self._size += len(data)
            Request.handleContentChunk(self, data)
        else:
            self.too_large = True

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Answer it.

        In place of Twisted's, which parses forms here, before anybody has looked at who asks: of
        100 kB of multipart it takes seconds. `args` stays empty.
        """
        self.channel.limit(None)
        self.content.seek(0)
        self.args = {}
        self.method, self.uri, self.clientproto = command, path, version
        self.path = path.partition(b"?")[0]
        Request.process(self)

    def finish(self) -> None:
        """Finish it, as soon as the client has read enough of the response."""
        if self._disconnected:
            Request.finish(self)  # raises
        else:
            self.channel.finish_when_read(self)

    def finish_now(self) -> None:
        """Finish it; the next request may begin at once."""
        Request.finish(self)
