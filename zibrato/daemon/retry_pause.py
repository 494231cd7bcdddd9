"""The pause between two attempts at a delivery: it grows, and can be ended."""

from __future__ import annotations

from collections.abc import Callable

from twisted.application.internet import backoffPolicy
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

FIRST_DELAY = 1.0
MAX_DELAY = 60.0
# The jitter is the outbox's own, half of the delay: all daemons of a fleet ship at the same full
# seconds, and Twisted's one second would not spread their retries.
_backoff = backoffPolicy(FIRST_DELAY, MAX_DELAY, factor=2, jitter=lambda: 0.0)


class RetryPause:
    """Pauses after failed `attempts`; `jitter` returns a number in [0, 1)."""

    def __init__(self, clock: IReactorTime, jitter: Callable[[], float]) -> None:
        self.attempts = 0
        self.reason: str | None = None
        """Why the last attempt failed."""
        self.since: float | None = None
        """The Unix time of the first one that failed."""
        self._clock = clock
        self._jitter = jitter
        self._skip = False
        self._waiting: Deferred[None] | None = None

    def reset(self) -> None:
        """Begin anew, after an attempt that succeeded."""
        self.attempts = 0
        self.reason = self.since = None
        self._skip = False

    def next_delay(self, after: float, reason: str) -> float:
        """Return the seconds until the next attempt: ever more, at least `after`."""
        self.reason = reason
        self.since = self._clock.seconds() if self.since is None else self.since
        delay = max(after, _backoff(self.attempts) * (1 + self._jitter()) / 2)
        self.attempts += 1
        return delay

    def end(self, *, skip_next: bool) -> None:
        """End the pause now; where there is none, leave out the next one or don't."""
        if self._waiting is not None:
            self._waiting.callback(None)
        else:
            self._skip = skip_next

    async def wait(self, delay: float) -> None:
        """Return after so many seconds, or once it is ended."""
        if self._skip:
            self._skip = False
            return
        self._waiting = Deferred()
        timer = self._clock.callLater(delay, self._waiting.callback, None)
        await self._waiting
        self._waiting = None
        if timer.active():
            timer.cancel()
