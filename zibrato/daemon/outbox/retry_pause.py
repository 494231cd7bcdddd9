"""The pause between two attempts at a delivery: it grows, and can be cut short."""

from __future__ import annotations

from collections.abc import Callable

from twisted.application.internet import backoffPolicy
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

FIRST_DELAY = 1.0
MAX_DELAY = 60.0
"""Seconds of the pause after the first failure, and of the longest."""
# Twisted's jitter isn't used. Zibrato's own is half of the delay: all daemons of a fleet ship at
# the same full seconds, and a jitter of one second would not spread their retries.
_backoff = backoffPolicy(FIRST_DELAY, MAX_DELAY, factor=2, jitter=lambda: 0.0)


class RetryPause:
    """Pauses after failed `attempts`; `jitter` returns a number in [0, 1)."""

    def __init__(self, clock: IReactorTime, jitter: Callable[[], float]) -> None:
        self.attempts = 0
        self.reason: str | None = None
        """Why the last attempt failed."""
        self.since: float | None = None
        """The Unix time of the first failed attempt since the last success."""
        self._clock = clock
        self._jitter = jitter
        self._skip = False
        self._waiting: Deferred[None] | None = None

    def reset(self) -> None:
        """Begin again with the shortest pause, after an attempt that succeeded."""
        self.attempts = 0
        self.reason = self.since = None
        self._skip = False

    def next_delay(self, after: float, reason: str) -> float:
        """Return the seconds until the next attempt: more each time, and at least `after`."""
        self.reason = reason
        self.since = self._clock.seconds() if self.since is None else self.since
        delay = max(after, _backoff(self.attempts) * (1 + self._jitter()) / 2)
        self.attempts += 1
        return delay

    def end(self, *, skip_next: bool) -> None:
        """End the pause now; if there is none, `skip_next` says whether to skip the next one."""
        if self._waiting is not None:
            self._waiting.callback(None)
        else:
            self._skip = skip_next

    async def wait(self, delay: float) -> None:
        """Wait `delay` seconds, or until `end` is called."""
        if self._skip:
            self._skip = False
            return
        self._waiting = Deferred()
        timer = self._clock.callLater(delay, self._waiting.callback, None)
        await self._waiting
        self._waiting = None
        if timer.active():
            timer.cancel()
