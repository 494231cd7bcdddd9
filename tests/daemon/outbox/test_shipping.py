"""What an outbox ships: order, pauses, retries, and a backend with a bug."""

from __future__ import annotations

from typing import NoReturn

from twisted.internet.defer import Deferred, fail, succeed
from zope.interface.verify import verifyObject

from tests.daemon.outbox.outboxes import OutboxCase, postpone, snapshot
from zibrato.daemon.outbox.kept_snapshot import Amount, KeptSnapshot
from zibrato.daemon.outbox.queue import MAX_TOGETHER
from zibrato.daemon.outbox.shipping import MAX_FAULTS
from zibrato.daemon.series_filter import ALL, SeriesFilter
from zibrato.interfaces import Delivery, IBackend, RetryLater
from zibrato.levels import LevelFilter
from zibrato.model import COUNTER, Series, Snapshot, Summary


class Untouched(dict[Series, Summary]):
    """Summaries through which nobody may go."""

    def values(self) -> NoReturn:
        raise AssertionError("somebody goes through all series")


class DeliveryTests(OutboxCase):
    """Order, pauses and retries."""

    def test_the_double_is_a_backend(self) -> None:
        verifyObject(IBackend, self.backend)

    def test_delivers_at_once(self) -> None:
        for start in (10, 20, 30):
            self.outbox.put(snapshot(start, 5))
        self.assertEqual(self.backend.given, [10, 20, 30])
        self.assert_account(15, 0, 0)

    def test_delivers_in_order_one_at_a_time(self) -> None:
        waiting: list[Deferred[None]] = []

        def slowly(delivery: Delivery) -> Deferred[None]:
            waiting.append(Deferred())
            return waiting[-1].addCallback(lambda _: delivery.delivered(delivery.pending))

        self.backend.answer = slowly
        for start in (10, 20, 30):
            self.outbox.put(snapshot(start))
        self.assertEqual(self.backend.given, [10])
        waiting[0].callback(None)
        self.assertEqual(self.backend.given, [10, 20, 30])
        self.outbox.put(snapshot(40))
        self.assertEqual(self.backend.together, [1, 2])
        waiting[1].callback(None)
        waiting[2].callback(None)
        self.assertEqual(self.backend.given, [10, 20, 30, 40])
        self.assert_account(4, 0, 0)

    def test_takes_what_is_put_during_a_delivery(self) -> None:
        def put_more(delivery: Delivery) -> Deferred[None]:
            self.backend.answer = self.backend.take
            self.outbox.put(snapshot(20))
            return self.backend.take(delivery)

        self.backend.answer = put_more
        self.outbox.put(snapshot(10))
        self.assertEqual(self.backend.given, [10, 20])

    def test_catches_up_with_many_small_snapshots_at_once(self) -> None:
        self.backend.answer = postpone()
        for start in range(4000):
            self.outbox.put(snapshot(start, 2))
        self.backend.answer = self.backend.take
        self.clock.advance(1)
        self.assertEqual(self.backend.together, [1, 1, MAX_TOGETHER, 3999 - MAX_TOGETHER])
        self.assertEqual(self.backend.given, [0, *range(4000)])
        self.assert_account(8000, 0, 0)

    def test_counts_no_series_of_what_it_knows(self) -> None:
        self.backend.answer = postpone()
        known = KeptSnapshot(10, 20, {"info": Amount(2, 7)}, snapshot=Snapshot(10, 20, Untouched()))
        self.outbox.append(known, ALL)
        self.assertEqual(self.backend.given, [10])
        self.assertEqual(self.outbox.pending, 7)

    def test_a_big_snapshot_goes_by_itself(self) -> None:
        self.backend.answer = postpone()
        big = {Series(COUNTER, f"n{n}", "here"): Summary(1, 1.0) for n in range(MAX_TOGETHER + 1)}
        for start in (10, 20, 30):
            self.outbox.put(snapshot(start))
        self.outbox.put(Snapshot(40, 50, big))
        self.outbox.put(snapshot(50))
        self.backend.answer = self.backend.take
        self.clock.advance(1)
        self.assertEqual(self.backend.together, [1, 1, 2, 1, 1])
        self.assertEqual(self.backend.given, [10, 10, 20, 30, 40, 50])

    def test_takes_only_its_levels(self) -> None:
        self.outbox = self.make(wanted=SeriesFilter(LevelFilter.parse("warning+")))
        both = {
            **snapshot(10, 3).summaries,
            **snapshot(10, 4, "error").summaries,
        }
        self.outbox.put(Snapshot(10, 20, both))
        self.outbox.put(snapshot(20))
        self.assertEqual(self.backend.given, [10])
        self.assert_account(4, 0, 0)

    def test_waits_twice_as_long_each_time_up_to_a_minute(self) -> None:
        self.backend.answer = postpone()
        self.outbox.put(snapshot(10))
        delays = []
        for _ in range(9):
            (call,) = self.clock.getDelayedCalls()
            delays.append(call.getTime() - self.clock.seconds())
            self.clock.advance(delays[-1])
        self.assertEqual(delays, [1, 2, 4, 8, 16, 32, 60, 60, 60])
        self.assertEqual(self.backend.given, [10] * 10)
        self.assertEqual(self.total("backend.retried"), 10)

    def test_jitter_takes_up_to_half_of_the_delay(self) -> None:
        self.outbox = self.make(jitter=lambda: 0.0)
        self.backend.answer = postpone()
        self.outbox.put(snapshot(10))
        (call,) = self.clock.getDelayedCalls()
        self.assertEqual(call.getTime(), 0.5)

    def test_waits_as_long_as_it_is_told_to(self) -> None:
        self.backend.answer = postpone(after=300)
        self.outbox.put(snapshot(10))
        self.clock.advance(299)
        self.assertEqual(self.backend.given, [10])
        self.clock.advance(1)
        self.assertEqual(self.backend.given, [10, 10])

    def test_order_survives_an_outage_and_delays_begin_anew_after_it(self) -> None:
        self.backend.answer = postpone()
        for start in (10, 20, 30):
            self.outbox.put(snapshot(start))
        self.clock.pump([1, 2])
        self.assertEqual(self.backend.given, [10] * 3)
        self.backend.answer = self.backend.take
        self.clock.advance(4)
        self.assertEqual(self.backend.given, [10] * 4 + [20, 30])
        self.backend.answer = postpone()
        self.outbox.put(snapshot(40))
        (call,) = self.clock.getDelayedCalls()
        self.assertEqual(call.getTime() - self.clock.seconds(), 1)

    def test_a_delivery_keeps_the_note_of_its_backend(self) -> None:
        seen = []

        def half(delivery: Delivery) -> Deferred[None]:
            seen.append(delivery.requests)
            delivery.requests = ["rest"]
            delivery.delivered(2)
            self.backend.answer = rest
            return fail(RetryLater("away"))

        def rest(delivery: Delivery) -> Deferred[None]:
            seen.append(delivery.requests)
            return self.backend.take(delivery)

        self.backend.answer = half
        self.outbox.put(snapshot(10, 5))
        self.assert_account(2, 3, 0)
        self.clock.advance(1)
        self.assertEqual(seen, [None, ["rest"]])
        self.assert_account(5, 0, 0)

    def test_logs_each_reason_once_an_outage(self) -> None:
        self.backend.answer = postpone("away")
        first = self.logged(lambda: self.outbox.put(snapshot(10)))
        self.assertEqual(first, ["fake can't deliver: away; kept, next try in 1.0 s"])
        self.assertEqual(self.logged(lambda: self.clock.pump([1, 2, 4])), [])
        self.backend.answer = postpone("locked")
        other = self.logged(lambda: self.clock.advance(8))
        self.assertEqual(other, ["fake can't deliver: locked; kept, next try in 16.0 s"])
        self.backend.answer = self.backend.take
        self.assertEqual(self.logged(lambda: self.clock.advance(16)), ["fake is back"])
        self.backend.answer = postpone("away")
        self.assertEqual(self.logged(lambda: self.outbox.put(snapshot(20))), first)

    def test_retry_ends_a_pause(self) -> None:
        self.outbox.retry()
        self.backend.answer = postpone(after=300)
        self.outbox.put(snapshot(10))
        self.backend.answer = self.backend.take
        self.outbox.retry()
        self.outbox.retry()
        self.assertEqual(self.backend.given, [10, 10])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_retry_leaves_out_the_pause_after_an_attempt_under_way(self) -> None:
        attempt: Deferred[None] = Deferred()
        self.backend.answer = lambda _delivery: attempt
        self.outbox.put(snapshot(10))
        self.outbox.retry()
        self.outbox.retry()
        self.backend.answer = postpone(after=300)
        attempt.errback(RetryLater("away", 300))
        self.assertEqual(self.backend.given, [10, 10])
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_retry_of_a_success_leaves_out_no_pause(self) -> None:
        attempt: Deferred[None] = Deferred()
        self.backend.answer = lambda _delivery: attempt
        self.outbox.put(snapshot(10))
        self.outbox.retry()
        attempt.callback(None)
        self.outbox.retry()
        self.backend.answer = postpone()
        self.outbox.put(snapshot(20))
        self.assertEqual(self.backend.given, [10, 20])

    def test_drops_what_the_backend_leaves_over(self) -> None:
        def take_two(delivery: Delivery) -> Deferred[None]:
            delivery.delivered(2)
            return succeed(None)

        self.backend.answer = take_two
        self.outbox.put(snapshot(10, 5))
        self.assert_account(2, 0, 3)
        self.assertEqual(self.total("backend.dropped", reason="unsent"), 3)


class FaultTests(OutboxCase):
    """A backend with a bug."""

    def break_down(self, _delivery: Delivery) -> Deferred[None]:
        raise RuntimeError("a bug")

    def test_drops_a_delivery_after_some_tries(self) -> None:
        self.backend.answer = self.break_down
        self.outbox.put(snapshot(10, 5))
        self.outbox.put(snapshot(20))
        self.clock.pump([1, 2])
        self.assertEqual(self.backend.given[:MAX_FAULTS], [10] * MAX_FAULTS)
        self.assertEqual(self.backend.given[MAX_FAULTS:], [20])
        self.assert_account(0, 1, 5)
        self.assertEqual(self.total("backend.dropped", reason="fault"), 5)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), MAX_FAULTS + 1)

    def test_an_asynchronous_failure_is_the_same(self) -> None:
        self.backend.answer = lambda _delivery: fail(RuntimeError("a bug"))
        self.outbox.put(snapshot(10))
        self.backend.answer = self.backend.take
        self.clock.advance(1)
        self.assert_account(1, 0, 0)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_a_cancellation_of_its_own_does_not_end_the_queue(self) -> None:
        def cancel(_delivery: Delivery) -> Deferred[None]:
            deferred: Deferred[None] = Deferred()
            deferred.cancel()
            return deferred

        self.backend.answer = cancel
        self.outbox.put(snapshot(10))
        self.backend.answer = self.backend.take
        self.clock.advance(1)
        self.assert_account(1, 0, 0)
        self.assertEqual(len(self.flushLoggedErrors()), 1)
