"""A turn that fails, and what came meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tests.daemon.journals import JournalCase
from tests.daemon.outboxes import postpone
from zibrato.daemon.outbox_disk import OutboxDisk

T = TypeVar("T")


class Late:
    """Does work at once; its results come when a test lets them."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def run(self, work: Callable[[], T]) -> Deferred[T]:
        result: Deferred[T] = Deferred()
        try:
            outcome = work()
        except Exception:
            failure = Failure()
            self.waiting.append(lambda: result.errback(failure))
        else:
            self.waiting.append(lambda: result.callback(outcome))
        return result

    def stop(self) -> None:
        """Do nothing."""

    def finish(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


class TurnTests(JournalCase):
    """What a turn of the journal must not lose, or ship twice."""

    def fail_with(self, error: Exception) -> None:
        """Have what is committed from now on fail."""

        def commit(*_arguments: object) -> None:
            raise error

        self.failing = self.patch(OutboxDisk, "commit", commit)

    def test_a_bug_costs_no_interval(self) -> None:
        self.fail_with(RuntimeError("a bug"))
        self.running.count(7)
        self.running.flush()
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(self.running.total("backend.delivered"), 1)

    def test_what_is_delivered_while_it_is_committed_late_is_not_delivered_again(self) -> None:
        self.backend.answer = postpone()
        self.fail_with(OSError("full"))
        self.running.count(7)
        self.running.flush()
        self.failing.restore()
        late = self.running.journal._workers = Late()
        self.running.journal.tick()
        self.backend.answer = self.backend.take
        self.running.outboxes["fake"].retry()
        self.assertEqual(self.running.total("backend.delivered"), 1)
        late.finish()
        self.assertEqual(self.restart().total("outbox.restored"), 0)

    def test_what_is_committed_between_two_attempts_has_an_identity_in_the_second(self) -> None:
        self.backend.answer = postpone()
        self.fail_with(OSError("full"))
        self.running.count(7)
        self.running.flush()
        self.failing.restore()
        self.running.journal.tick()
        self.backend.answer = self.backend.take
        self.running.outboxes["fake"].retry()
        first, *_, last = self.backend.identities
        self.assertIsNone(first)
        self.assertIsNotNone(last)
