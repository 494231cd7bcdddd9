"""What backends share that post items; their own tests hold what comes of it."""

from __future__ import annotations

from collections.abc import Generator

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.fake_reactor import FakeReactor
from zibrato.backends.posting import Effort, in_turns
from zibrato.model import COUNTER, TIMER


class TurnsTests(SynchronousTestCase):
    def test_others_have_their_turns_between_two_parts(self) -> None:
        clock, order = FakeReactor(), list[str]()

        def work() -> Generator[None, None, str]:
            order.append("first")
            yield
            order.append("second")
            return "done"

        result = Deferred.fromCoroutine(in_turns(work(), clock))
        clock.callLater(0, order.append, "another's turn")
        self.assertNoResult(result)
        clock.advance(0)
        self.assertEqual(self.successResultOf(result), "done")
        self.assertEqual(order[0], "first")
        self.assertIn("another's turn", order)


def test_a_turn_is_due_sooner_where_timers_are() -> None:
    for kind, most in ((COUNTER, 250), (TIMER, 16)):
        effort = Effort()
        due = [effort.is_due(kind) for _ in range(1000)]
        assert 1000 // most == sum(due)
        assert due.index(True) == most - 1
