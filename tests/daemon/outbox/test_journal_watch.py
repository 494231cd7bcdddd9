"""A journal whose disk doesn't answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from twisted.internet.defer import Deferred

from tests.daemon.outbox.journals import NOW, JournalCase
from tests.daemon.outbox.outboxes import postpone
from zibrato.daemon.outbox.journal_watch import STALLED
from zibrato.threads import Inline

T = TypeVar("T")


class Stuck(Inline):
    """Runs nothing until `answer`, as a thread does that waits for a disk."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], object]] | None = []

    def run(self, work: Callable[[], T]) -> Deferred[T]:
        if self._waiting is None:
            return super().run(work)
        result: Deferred[T] = Deferred()
        self._waiting.append(lambda: super(Stuck, self).run(work).chainDeferred(result))
        return result

    def answer(self) -> None:
        waiting, self._waiting = self._waiting, None
        for run in waiting or ():
            run()


class JournalWatchTests(JournalCase):
    def setUp(self) -> None:
        super().setUp()
        self.stuck = self.running.journal._workers = Stuck()

    def ticks(self, number: int) -> None:
        for _ in range(number):
            self.running.journal.tick()

    @pytest.mark.attack(
        "a disk that doesn't answer", before="nothing was delivered, memory grew, health was ok"
    )
    def test_backends_get_what_comes_meanwhile_and_everybody_knows_why(self) -> None:
        for value in (1, 2, 3):
            self.running.count(value)
            self.running.flush()
        self.ticks(STALLED - 1)
        self.assertEqual(self.backend.given, [])
        self.assertIsNone(self.running.journal.problem)
        logged = self.logged(lambda: self.ticks(2))
        self.assertEqual(self.backend.given, [NOW + 10, NOW + 20])
        self.assertEqual(self.running.journal.problem, "the disk doesn't answer")
        self.assertEqual(len(logged), 1)
        self.running.count()
        self.running.flush()
        self.ticks(1)
        self.assertEqual(self.backend.given[2:], [NOW + 30])
        self.stuck.answer()
        self.assertEqual(self.backend.given[3:], [NOW])
        self.assertIsNone(self.running.journal.problem)
        again = self.restart()
        self.assertEqual(again.total("outbox.restored"), 0)
        self.assertEqual(len(self.backend.given), 4)

    def test_what_was_not_delivered_meanwhile_is_committed_afterwards(self) -> None:
        self.backend.answer = postpone()
        for value in (1, 2):
            self.running.count(value)
            self.running.flush()
        self.ticks(STALLED)
        self.stuck.answer()
        self.backend.answer = self.backend.take
        self.backend.given.clear()
        again = self.restart()
        self.assertEqual(sorted(self.backend.given), [NOW, NOW + 10])
        self.assertEqual(again.total("backend.delivered"), 2)

    def test_nobody_waits_for_it(self) -> None:
        self.running.count()
        self.running.flush()
        early = self.running.journal.idle()
        self.assertNoResult(early)
        self.ticks(STALLED)
        self.successResultOf(early)
        self.successResultOf(self.running.journal.idle())
