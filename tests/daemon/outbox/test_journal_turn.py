"""A turn that fails, and what came meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

from twisted.internet.defer import Deferred

from tests.daemon.outbox.journals import JournalCase
from tests.daemon.outbox.outboxes import postpone
from zibrato.daemon.outbox.disk import OutboxDisk
from zibrato.daemon.outbox.file import OutboxFile

T = TypeVar("T")


class Late:
    """Does work when a test lets it."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def run(self, work: Callable[[], T]) -> Deferred[T]:
        result: Deferred[T] = Deferred()
        self.waiting.append(lambda: result.callback(work()))
        return result

    def stop(self) -> None:
        """Do nothing."""

    def finish_one(self) -> None:
        self.waiting.pop(0)()

    def finish(self) -> None:
        while self.waiting:
            self.finish_one()


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

    def replace_file(self) -> None:
        other = self.path.with_name("other")
        OutboxFile(other, "another run").close()
        other.rename(self.path)

    def test_of_a_file_that_is_replaced_only_what_it_alone_had_is_lost(self) -> None:
        self.backend.answer = postpone()
        self.running.count(1)
        self.running.flush()
        self.running.count(2)
        self.running.sequences.take("a", 4)
        self.running.journal.tick()
        self.running.count(3)
        self.running.sequences.take("a", 5)
        waiting = self.running.sequences.committed()
        self.replace_file()
        late = self.running.journal._workers = Late()
        self.running.journal.tick()
        late.finish_one()
        self.assertNoResult(waiting)  # what the batch of 4 had is in no file
        with closing(sqlite3.connect(self.path)) as connection:
            self.assertEqual(connection.execute("SELECT * FROM client").fetchall(), [])
        late.finish()
        self.successResultOf(waiting)
        total = self.running.total
        # What is under way is in memory.
        self.assertEqual((total("outbox.accepted"), total("backend.dropped")), (3, 0))
        again = self.restart()
        self.assertEqual(again.total("outbox.restored"), 2)
        self.assertEqual(again.sequences.highest("a"), 5)

    def test_what_waited_in_a_file_that_is_replaced_is_counted(self) -> None:
        self.backend.answer = postpone()
        for _ in range(3):
            self.running.count()
            self.running.flush()
        self.replace_file()
        self.running.count()
        self.running.flush()
        self.assertEqual(self.running.total("backend.dropped", reason="corrupt"), 2)
        self.assertEqual(self.running.outboxes["fake"].pending, 2)

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
