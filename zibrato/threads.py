"""Private: runs functions in threads, and returns their results as Deferreds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from zibrato.interfaces import Reactor

T = TypeVar("T")


class Workers(Protocol):
    """Runs functions, one after the other or several at a time."""

    def run(self, work: Callable[[], T]) -> Deferred[T]:
        """Run `work`; the Deferred fires with what it returns or raises."""

    def stop(self) -> None:
        """Finish what is under way."""


class Threads:
    """A pool of `count` threads, started with the first work: daemonising would lose threads."""

    def __init__(self, reactor: Reactor, name: str, count: int) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(0, count, name)

    def run(self, work: Callable[[], T]) -> Deferred[T]:
        """Run `work` in a thread; the Deferred fires with what it returns or raises."""
        if not self._pool.started:
            self._pool.start()
        result: Deferred[T] = deferToThreadPool(self._reactor, self._pool, work)
        return result

    def stop(self) -> None:
        """Wait for what is under way."""
        if self._pool.started:
            self._pool.stop()


def in_own_thread(reactor: Reactor, work: Callable[[], T]) -> Deferred[T]:
    """Run `work` in a thread for which neither other work nor the end of the process waits.

    For work that may never end, such as looking up a name. Raises RuntimeError if no thread can be
    started.
    """
    result: Deferred[T] = Deferred()

    def run() -> None:
        try:
            done: T | Failure = work()
        except Exception:
            done = Failure()
        reactor.callFromThread(finish, done)

    def finish(done: T | Failure) -> None:
        if not result.called:  # it may have been cancelled
            result.callback(done)

    threading.Thread(target=run, name="zibrato-own", daemon=True).start()
    return result


class Inline:
    """Runs functions at once, in the calling thread, because they take hardly any time."""

    def run(self, work: Callable[[], T]) -> Deferred[T]:
        """Run `work`; return a fired Deferred with what it returned or raised."""
        return maybeDeferred(work)

    def stop(self) -> None:
        """Do nothing."""


async def finished(work: Deferred[T]) -> T:
    """Wait for the result of `work`, even if the waiting is cancelled: threads can't be cancelled.

    A delivery is cancelled when the daemon stops or its deadline passes, but the thread still
    commits what it has begun. Not to wait for it could deliver the same snapshot twice. So this
    awaits not `work` but a separate Deferred. A cancellation ends only that one, and the next round
    of the loop waits with a new one.
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
