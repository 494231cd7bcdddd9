"""The page's live events, as Server-Sent Events; who reads too slowly is dropped."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import LoopingCall
from zope.interface import implementer

from zibrato.store.live import Live

HEARTBEAT = 15.0
MAX_WATCHERS = 64
MAX_WAITING = 8 << 20


@implementer(IPushProducer)
class Watcher:
    """One client; while its connection takes no more, up to `MAX_WAITING` bytes wait for it."""

    def __init__(self, request: Any, live: Live, clock: Any) -> None:
        self._request = request
        self._live = live
        self._paused = False
        self._waiting = b""
        self._heart = LoopingCall(self._beat)
        self._heart.clock = clock

    def start(self) -> Deferred[None]:
        """Send events until the client goes; until then, and so for ever, nothing is done."""
        request = self._request
        request.setHeader(b"Content-Type", b"text/event-stream")
        request.setHeader(b"Cache-Control", b"no-store")
        request.setHeader(b"X-Accel-Buffering", b"no")
        request.notifyFinish().addBoth(self._finished)
        request.registerProducer(self, True)
        request.write(b"retry: 2000\n\n")
        self._live.watchers.append(self.send)
        self._heart.start(HEARTBEAT, now=False)
        return Deferred()

    def send(self, event: bytes) -> None:
        """Send an event, once there is room for it."""
        if not self._paused:
            self._request.write(event)
        elif len(self._waiting) + len(event) <= MAX_WAITING:
            self._waiting += event
        else:
            self._request.channel.forceAbortClient()

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
            self._request.channel.forceAbortClient()
        else:
            self._request.write(b": still here\n\n")

    def _finished(self, _reason: Any) -> None:
        self._request.unregisterProducer()
        self._live.watchers.remove(self.send)
        if self._heart.running:
            self._heart.stop()
