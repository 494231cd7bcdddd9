"""How much an outbox holds, and what it drops beyond that."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred, fail

from tests.daemon.outbox.outboxes import OutboxCase, postpone, snapshot
from zibrato.daemon.outbox.kept_snapshot import OWN_BYTES
from zibrato.distribution import Distribution
from zibrato.interfaces import Delivery, RetryLater
from zibrato.model import TIMER, Series, Snapshot, Summary

SIZE = snapshot(0).size + OWN_BYTES


class BoundTests(OutboxCase):
    """`max_bytes`."""

    def test_drops_the_oldest_but_the_one_under_way(self) -> None:
        self.outbox = self.make(max_bytes=3 * SIZE)
        self.backend.answer = postpone()
        for start in (10, 20, 30):
            self.outbox.put(snapshot(start))
        full = self.logged(lambda: self.outbox.put(snapshot(40)))
        self.assertEqual(full, ["the outbox of fake is full: the oldest are dropped"])
        self.assert_account(0, 3, 1)
        self.assertEqual(self.total("backend.dropped", reason="outbox_full"), 1)
        self.backend.answer = self.backend.take
        self.clock.advance(1)
        self.assertEqual(self.backend.given, [10, 10, 30, 40])

    def test_drops_what_is_older_than_it_may_be(self) -> None:
        self.outbox = self.make(max_age=60)
        self.backend.answer = postpone(after=50)
        for start in (0, 10, 20):
            self.outbox.put(snapshot(start))
        self.clock.advance(75)
        self.outbox.put(snapshot(70))
        self.assertEqual(self.total("backend.dropped", reason="expired"), 0)
        self.clock.advance(10.1)
        self.outbox.put(snapshot(80))
        self.assertEqual(self.total("backend.dropped", reason="expired"), 1)

    def test_holds_64_mib_unless_told_otherwise(self) -> None:
        big = Summary(1, 1.0, distribution=Distribution([float(n) for n in range(1024)]))
        times = {Series(TIMER, f"t{number}", "here"): big for number in range(1000)}
        count, left = divmod(64 * 1024 * 1024, Snapshot(0, 10, times).size + OWN_BYTES)
        self.backend.answer = postpone()
        for start in range(count):
            self.outbox.put(Snapshot(start, start + 10, times))
        for start in range(left // SIZE):  # to the last few bytes
            self.outbox.put(snapshot(count + start))
        self.assertEqual(self.total("backend.dropped"), 0)
        self.outbox.put(snapshot(1 << 20))
        self.assertEqual(self.total("backend.dropped", reason="outbox_full"), 1000)

    @pytest.mark.attack(
        "a backend that takes nothing for hours",
        before="400 bytes were counted a series: gigabytes",
    )
    def test_at_the_bound_is_within_it(self) -> None:
        for bound, kept in ((2 * SIZE, 2), (2 * SIZE - 1, 1)):
            outbox = self.make(max_bytes=bound)
            self.backend.answer = postpone()
            outbox.put(snapshot(10))
            outbox.put(snapshot(20))
            self.assertEqual(outbox.pending, kept)

    def test_what_its_backend_notes_of_its_requests_counts(self) -> None:
        def note(delivery: Delivery) -> Deferred[None]:
            delivery.requests_size = SIZE
            return fail(RetryLater("away"))

        self.outbox = self.make(max_bytes=3 * SIZE)
        self.backend.answer = note
        for start in (10, 20):
            self.outbox.put(snapshot(start))
        self.assertEqual(self.outbox.pending, 2)
        self.assertEqual(self.gauge("zibrato.outbox.bytes"), 3 * SIZE)
        self.outbox.put(snapshot(30))
        self.assert_account(0, 2, 1)
        self.backend.answer = self.backend.take
        self.outbox.retry()
        self.assertEqual(self.backend.given, [10, 10, 30])
        self.assertEqual(self.gauge("zibrato.outbox.bytes"), 0)

    def test_one_that_is_too_big_alone_is_still_tried(self) -> None:
        self.outbox = self.make(max_bytes=1)
        self.outbox.put(snapshot(10))
        self.assert_account(1, 0, 0)

    def test_reports_its_depth(self) -> None:
        self.backend.answer = postpone()
        self.outbox.put(snapshot(10))
        self.outbox.put(snapshot(20))
        self.assertEqual(self.gauge("zibrato.outbox.snapshots"), 2)
        self.assertEqual(self.gauge("zibrato.outbox.bytes"), 2 * SIZE)
        self.backend.answer = self.backend.take
        self.outbox.retry()
        self.assertEqual(self.gauge("zibrato.outbox.snapshots"), 0)
        self.assertEqual(self.gauge("zibrato.outbox.bytes"), 0)
