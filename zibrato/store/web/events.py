"""The page's live events, as Server-Sent Events; subscribers that read too slowly are dropped."""

from __future__ import annotations

from collections import deque

from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.web.server import Request
from zope.interface import implementer

from zibrato.store.live import Live

HEARTBEAT = 15.0
"""Seconds between two signs of life; a subscriber that reads nothing until then is dropped."""
MAX_SUBSCRIBERS = 64
MAX_WAITING = 8 << 20
"""Bytes that may wait for one subscriber; what waits for several is in memory once."""


@implementer(IPushProducer)
class Subscriber:
    """One subscriber; up to `MAX_WAITING` bytes wait while its connection accepts no more."""

    def __init__(self, request: Request, live: Live, clock: IReactorTime) -> None:
        self._request = request
        self._live = live
        self._paused = False
        self._waiting: deque[bytes] = deque()
        self._heart = LoopingCall(self._beat)
        self._heart.clock = clock

    def start(self) -> None:
        """Send events from now on, until the client leaves."""
        request = self._request
        request.setHeader(b"Content-Type", b"text/event-stream")
        request.setHeader(b"Cache-Control", b"no-store")
        # Without this header nginx, as a proxy, would hold events back until its buffer is full.
        request.setHeader(b"X-Accel-Buffering", b"no")
        request.notifyFinish().addBoth(lambda _: self._leave())
        request.registerProducer(self, True)
        request.write(b"retry: 2000\n\n")
        self._live.subscribers.append(self.send)
        self._heart.start(HEARTBEAT, now=False)

    def send(self, event: bytes) -> None:
        """Send an event, or let it wait while the connection accepts no more."""
        if not self._paused:
            self._request.write(event)
        elif sum(map(len, self._waiting)) + len(event) <= MAX_WAITING:
            self._waiting.append(event)
        else:
            self._drop()

    def pauseProducing(self) -> None:
        """Stop sending: the connection accepts no more for now."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Send what is waiting, as much as the connection accepts."""
        self._paused = False
        # One event at a time: whatever is written is copied, and counts as unread.
        while self._waiting and not self._paused:
            self._request.write(self._waiting.popleft())

    def stopProducing(self) -> None:
        """Do nothing: the request reports its end."""

    def _beat(self) -> None:
        if self._paused:
            self._drop()
        else:
            self._request.write(b": still here\n\n")

    def _drop(self) -> None:
        """Drop the client at once; its connection is lost in a later turn of the reactor."""
        self._leave()
        self._request.channel.forceAbortClient()

    def _leave(self) -> None:
        """Unsubscribe; a second call does nothing.

        The producer stays registered: if the client has left, Twisted has removed the request's
        channel before it reports that, and unregistering would raise.
        """
        if self._heart.running:
            self._heart.stop()
            self._live.subscribers.remove(self.send)
            self._waiting.clear()
