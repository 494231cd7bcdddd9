"""Work in threads, and what comes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.fake_reactor import FakeReactor
from zibrato.threads import Threads, finished, in_own_thread


class FinishedTests(SynchronousTestCase):
    """A thread can't be cancelled."""

    def test_it_waits_through_any_number_of_cancellations(self) -> None:
        work: Deferred[int] = Deferred()
        waiting = Deferred.fromCoroutine(finished(work))
        for _ in range(3):
            waiting.cancel()
            self.assertNoResult(waiting)
        work.callback(3)
        self.assertEqual(self.successResultOf(waiting), 3)

    def test_it_raises_what_the_work_raised(self) -> None:
        work: Deferred[int] = Deferred()
        waiting = Deferred.fromCoroutine(finished(work))
        waiting.cancel()
        work.errback(KeyError("k"))
        self.failureResultOf(waiting, KeyError)

    def test_work_that_is_done_already_is_not_waited_for(self) -> None:
        work: Deferred[int] = Deferred()
        work.callback(3)
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(finished(work))), 3)

    def test_work_that_was_cancelled_itself_says_so(self) -> None:
        work: Deferred[int] = Deferred()
        waiting = Deferred.fromCoroutine(finished(work))
        work.cancel()
        self.failureResultOf(waiting, CancelledError)


class ThreadReactor(FakeReactor):
    """Reports when a thread has requested a call."""

    def __init__(self) -> None:
        super().__init__()
        self.called = threading.Event()

    def callFromThread(
        self, callable: Callable[..., object], *args: object, **kwargs: object
    ) -> None:
        """Keep the call until `run_calls`."""
        super().callFromThread(callable, *args, **kwargs)
        self.called.set()


class ThreadsTests(SynchronousTestCase):
    """A pool of its own."""

    def test_work_is_done_in_a_thread_that_is_begun_for_it(self) -> None:
        reactor = ThreadReactor()
        threads = Threads(reactor, "a name", 1)
        before = {*threading.enumerate()}  # of which some may end meanwhile
        result = threads.run(threading.current_thread)
        self.addCleanup(threads.stop)
        self.assertTrue(reactor.called.wait(10))
        reactor.run_calls()
        begun = self.successResultOf(result)
        self.assertIn("a name", begun.name)
        self.assertEqual({*threading.enumerate()} - before, {begun})

    def test_without_work_there_is_no_thread(self) -> None:
        before = {*threading.enumerate()}
        Threads(ThreadReactor(), "a name", 1).stop()
        self.assertLessEqual({*threading.enumerate()}, before)


class InOwnThreadTests(SynchronousTestCase):
    """Work for which nobody has to wait."""

    def begun(self, work: Callable[[], int]) -> tuple[FakeReactor, Deferred[int]]:
        reactor, ended = FakeReactor(), threading.Event()
        call = reactor.callFromThread

        def called(*args: object) -> None:
            call(*args)  # type: ignore[arg-type]
            ended.set()

        reactor.callFromThread = called  # type: ignore[assignment, method-assign]
        result = in_own_thread(reactor, work)
        self.assertTrue(ended.wait(30))
        self.assertNoResult(result)
        return reactor, result

    def test_its_result_comes_in_the_reactors_thread(self) -> None:
        reactor, result = self.begun(lambda: threading.current_thread().daemon and 3)
        reactor.run_calls()
        self.assertEqual(self.successResultOf(result), 3)

    def test_so_does_what_it_raises(self) -> None:
        reactor, result = self.begun(lambda: 1 // 0)
        reactor.run_calls()
        self.failureResultOf(result, ZeroDivisionError)

    def test_of_what_was_cancelled_nobody_hears(self) -> None:
        reactor, result = self.begun(lambda: 3)
        result.cancel()
        self.failureResultOf(result, CancelledError)
        reactor.run_calls()
