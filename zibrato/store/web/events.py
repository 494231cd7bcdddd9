"""The page's live events, as Server-Sent Events; who reads too slowly is dropped."""

from __future__ import annotations

from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.web.server import Request
from zope.interface import implementer

from zibrato.store.live import Live

HEARTBEAT = 15.0
MAX_SUBSCRIBERS = 64
MAX_WAITING = 8 << 20
"""Bytes."""


@implementer(IPushProducer)
class Subscriber:
    """One client; while its connection takes no more, up to `MAX_WAITING` bytes wait for it."""

    def __init__(self, request: Request, live: Live, clock: IReactorTime) -> None:
        self._request = request
        self._live = live
        self._paused = False
        self._waiting = b""
        self._heart = LoopingCall(self._beat)
        self._heart.clock = clock

    def start(self) -> None:
        """Send events from now until the client goes."""
        request = self._request
        request.setHeader(b"Content-Type", b"text/event-stream")
        request.setHeader(b"Cache-Control", b"no-store")
        # Else nginx, as a proxy, keeps events until it has a buffer full of them.
        request.setHeader(b"X-Accel-Buffering", b"no")
        request.notifyFinish().addBoth(lambda _: self._leave())
        request.registerProducer(self, True)
        request.write(b"retry: 2000\n\n")
        self._live.subscribers.append(self.send)
        self._heart.start(HEARTBEAT, now=False)

    def send(self, event: bytes) -> None:
        """Send an event, once there is room for it."""
        if not self._paused:
            self._request.write(event)
        elif len(self._waiting) + len(event) <= MAX_WAITING:
            self._waiting += event
        else:
            self._drop()

    def pauseProducing(self) -> None:
        """Wait: the connection takes no more for now."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Send what waits."""
        self._paused = False
        waiting, self._waiting = self._waiting, b""
        if waiting:
            self._request.write(waiting)

    def stopProducing(self) -> None:
        """Do nothing: the request tells of its end."""

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
        """Subscribe no more; once more does nothing.

        The producer stays registered: where the client has gone, Twisted has taken the request's
        channel away before it tells of that, and unregistering would raise.
        """
        if self._heart.running:
            self._heart.stop()
            self._live.subscribers.remove(self.send)
            self._waiting = b""
