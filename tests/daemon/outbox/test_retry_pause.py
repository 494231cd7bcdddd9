"""Pauses that grow, and that can be ended."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from zibrato.daemon.outbox.retry_pause import MAX_DELAY, RetryPause


class RetryPauseTests(SynchronousTestCase):
    """A pause with no jitter."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.pause = RetryPause(self.clock, lambda: 1.0)

    def wait(self, delay: float) -> Deferred[None]:
        return Deferred.fromCoroutine(self.pause.wait(delay))

    def test_grows_until_it_is_reset(self) -> None:
        self.assertEqual([self.pause.next_delay(0, "away") for _ in range(3)], [1, 2, 4])
        self.assertEqual(self.pause.next_delay(300, "away"), 300)
        self.assertEqual([self.pause.next_delay(0, "away") for _ in range(9)][-1], MAX_DELAY)
        self.pause.reset()
        self.assertEqual(self.pause.next_delay(0, "away"), 1)

    def test_knows_why_and_since_when_until_it_is_reset(self) -> None:
        self.clock.advance(5)
        self.pause.next_delay(0, "away")
        self.clock.advance(5)
        self.pause.next_delay(0, "slow")
        self.assertEqual((self.pause.reason, self.pause.since), ("slow", 5))
        self.pause.reset()
        self.assertEqual((self.pause.reason, self.pause.since), (None, None))

    def test_lasts_as_long_as_it_is_told(self) -> None:
        waiting = self.wait(3)
        self.clock.advance(2.9)
        self.assertNoResult(waiting)
        self.clock.advance(0.1)
        self.successResultOf(waiting)

    def test_can_be_ended(self) -> None:
        waiting = self.wait(3)
        self.pause.end(skip_next=True)
        self.successResultOf(waiting)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertNoResult(self.wait(3))

    def test_the_next_one_can_be_left_out(self) -> None:
        self.pause.end(skip_next=True)
        self.successResultOf(self.wait(3))
        self.assertNoResult(self.wait(3))
