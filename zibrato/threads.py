"""Private: work in threads, and its results as Deferreds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from zibrato.interfaces import Reactor

T = TypeVar("T")


class Workers(Protocol):
    """Does work one by one or some at a time."""

    def run(self, work: Callable[[], T]) -> Deferred[T]:
        """Return what `work` returns or raises."""

    def stop(self) -> None:
        """Finish what is under way."""


class Threads:
    """So many threads of its own, begun when there is work: daemonising leaves none behind."""

    def __init__(self, reactor: Reactor, name: str, count: int) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(0, count, name)

    def run(self, work: Callable[[], T]) -> Deferred[T]:
        """Return what `work` returns or raises, in a thread."""
        if not self._pool.started:
            self._pool.start()
        result: Deferred[T] = deferToThreadPool(self._reactor, self._pool, work)
        return result

    def stop(self) -> None:
        """Wait for what is under way."""
        if self._pool.started:
            self._pool.stop()


class Inline:
    """Does at once what takes no time to speak of."""

    def run(self, work: Callable[[], T]) -> Deferred[T]:
        """Return what `work` returned or raised."""
        return maybeDeferred(work)

    def stop(self) -> None:
        """Do nothing."""


async def finished(work: Deferred[T]) -> T:
    """Return what `work` comes to, however often that is cancelled: a thread can't be.

    A delivery is cancelled when the daemon stops or its deadline passes, but what the writer has
    begun it will commit. To go on as if it had not would deliver the same snapshot twice. So not
    `work` is awaited here but a Deferred beside it: a cancellation ends that one alone, and the
    next round of the loop waits with another.
    """
    outcome: list[T | Failure] = []
    waiting: list[Deferred[None]] = []

    def done(result: T | Failure) -> None:
        outcome.append(result)
        for waiter in waiting:
            waiter.callback(None)

    work.addBoth(done)
    while not outcome:
        waiting[:] = [Deferred()]
        try:
            await waiting[0]
        except CancelledError:
            waiting.clear()
    (result,) = outcome
    if isinstance(result, Failure):
        result.raiseException()
    return result
