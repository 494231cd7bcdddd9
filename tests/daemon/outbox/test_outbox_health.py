"""What an outbox tells of itself: what waits, for how long, and why."""

from __future__ import annotations

from tests.daemon.outbox.outboxes import OutboxCase, postpone, snapshot
from zibrato.daemon.outbox.outbox import MAX_AGE, MAX_BYTES


class OutboxHealthTests(OutboxCase):
    def test_nothing_waits(self) -> None:
        self.outbox.put(snapshot(10, 3))
        health = self.outbox.health()
        self.assertEqual((health.name, health.intervals, health.oldest), ("fake", 0, None))
        self.assertEqual((health.error, health.failing_since), (None, None))
        self.assertEqual((health.delivered, health.dropped), (3, {}))
        self.assertEqual((health.max_size, health.max_age), (MAX_BYTES, MAX_AGE))

    def test_what_waits_is_told_with_the_last_error_and_since_when(self) -> None:
        self.clock.advance(100)
        self.backend.answer = postpone("refused")
        self.outbox.put(snapshot(10, 3))
        self.outbox.put(snapshot(20, 2))
        self.backend.answer = postpone("reset")
        self.clock.advance(1)
        health = self.outbox.health()
        self.assertEqual((health.intervals, health.measurements, health.oldest), (2, 5, 20))
        self.assertEqual((health.error, health.failing_since), ("reset", 100))
        self.assertEqual(health.size, self.outbox.size)
        self.backend.answer = self.backend.take
        self.clock.advance(60)
        health = self.outbox.health()
        self.assertEqual((health.intervals, health.error, health.failing_since), (0, None, None))
        self.assertEqual(health.delivered, 5)
