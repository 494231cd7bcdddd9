"""An outbox that is waited for, and one that is stopped."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred

from tests.daemon.outbox.outboxes import OutboxCase, postpone, snapshot
from zibrato.daemon.outbox.kept_snapshot import KeptSnapshot
from zibrato.daemon.series_filter import ALL
from zibrato.interfaces import Delivery, RetryLater
from zibrato.model import Identity


class DrainTests(OutboxCase):
    """`drained`."""

    def test_an_empty_queue_is_drained(self) -> None:
        self.successResultOf(self.outbox.drained())
        self.outbox.put(snapshot(10))
        self.successResultOf(self.outbox.drained())

    def test_tries_at_once_and_waits_for_the_last(self) -> None:
        self.backend.answer = postpone(after=300)
        self.outbox.put(snapshot(10))
        self.outbox.put(snapshot(20))
        first, second = self.outbox.drained(), self.outbox.drained()
        self.assertEqual(self.backend.given, [10, 10, 10])
        self.assertNoResult(first)
        self.backend.answer = self.backend.take
        self.clock.advance(300)
        self.successResultOf(first)
        self.successResultOf(second)
        self.assertEqual(self.backend.given[3:], [10, 20])

    def test_one_can_stop_waiting(self) -> None:
        self.backend.answer = postpone()
        self.outbox.put(snapshot(10))
        waiting = self.outbox.drained()
        waiting.addTimeout(1, self.clock)
        self.clock.advance(1)
        self.failureResultOf(waiting)
        self.backend.answer = self.backend.take
        self.outbox.retry()
        self.assert_account(1, 0, 0)

    def test_who_waits_may_stop_another(self) -> None:
        self.backend.answer = postpone()
        self.outbox.put(snapshot(10))
        first, second = self.outbox.drained(), self.outbox.drained()
        first.addCallback(lambda _: second.cancel())
        self.backend.answer = self.backend.take
        self.outbox.retry()
        self.failureResultOf(second, CancelledError)

    def test_who_waits_may_put_more(self) -> None:
        self.backend.answer = postpone()
        self.outbox.put(snapshot(10))
        self.outbox.drained().addCallback(lambda _: self.outbox.put(snapshot(20)))
        self.backend.answer = self.backend.take
        self.outbox.retry()
        self.outbox.put(snapshot(30))
        self.assert_account(3, 0, 0)


class StopTests(OutboxCase):
    """`stopService`."""

    def test_drops_what_waits(self) -> None:
        self.backend.answer = postpone()
        self.outbox.put(snapshot(10, 2))
        self.outbox.put(snapshot(20, 3))
        logs = self.logged(lambda: self.successResultOf(self.outbox.stopService()))
        self.assertEqual(logs, ["stopped before fake had everything: 5 measurements are dropped"])
        self.assert_account(0, 0, 5)
        self.assertEqual(self.total("backend.dropped", reason="stopped"), 5)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.backend.stopped, 1)

    def test_leaves_what_is_in_the_file(self) -> None:
        self.backend.answer = postpone()
        self.outbox.put(snapshot(10, 2))
        self.outbox.put(snapshot(20, 3))
        kept = KeptSnapshot.of(snapshot(30, 4))
        kept.identity = Identity("run", 1)
        self.outbox.append(kept, ALL)
        logs = self.logged(lambda: self.successResultOf(self.outbox.stopService()))
        self.assertEqual(
            logs,
            [
                "stopped before fake had everything: 5 measurements are dropped",
                "fake gets 4 measurements at the next start",
            ],
        )
        self.assert_account(0, 4, 5)

    def test_says_nothing_where_nothing_was_left(self) -> None:
        self.outbox.put(snapshot(10))
        self.assertEqual(self.logged(self.outbox.stopService), [])
        self.assertEqual(self.backend.stopped, 1)

    def test_cancels_a_delivery_and_waits_for_its_end(self) -> None:
        closing: Deferred[None] = Deferred()
        request: Deferred[None] = Deferred(lambda deferred: None)

        async def deliver(delivery: Delivery) -> None:
            try:
                await request
            except CancelledError:
                await closing
                delivery.delivered(2)
                raise RetryLater("aborted") from None

        self.backend.answer = lambda delivery: Deferred.fromCoroutine(deliver(delivery))
        self.outbox.put(snapshot(10, 5))
        stopping = self.outbox.stopService()
        self.assertNoResult(stopping)
        self.assertEqual(self.backend.stopped, 0)
        closing.callback(None)
        self.successResultOf(stopping)
        self.assertEqual(self.backend.stopped, 1)
        self.assert_account(2, 0, 3)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_arrives_in_spite_of_a_cancellation_has_arrived(self) -> None:
        request: Deferred[None] = Deferred(lambda deferred: deferred.callback(None))

        def deliver(delivery: Delivery) -> Deferred[None]:
            return request.addCallback(lambda _: delivery.delivered(delivery.pending))

        self.backend.answer = deliver
        self.outbox.put(snapshot(10))
        self.outbox.put(snapshot(20))
        self.successResultOf(self.outbox.stopService())
        self.assertEqual(self.backend.given, [10])
        self.assert_account(1, 0, 1)

    def test_accepts_nothing_afterwards(self) -> None:
        self.successResultOf(self.outbox.stopService())
        self.outbox.put(snapshot(10, 5))
        self.assertEqual(self.backend.given, [])
        self.assert_account(0, 0, 5)
        self.assertEqual(self.gauge("zibrato.outbox.bytes"), 0)
