"""Order, retries, bounds, and an account that adds up whatever a backend does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from zibrato.daemon.outbox import MAX_FAULTS, Outbox
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.distribution import Distribution
from zibrato.interfaces import Delivery, IBackend, RetryLater
from zibrato.levels import LevelFilter
from zibrato.model import COUNTER, TIMER, Series, Snapshot, Summary
from zibrato.wire import unpack


def snapshot(start: float, count: int = 1, level: str = "info") -> Snapshot:
    series = Series(COUNTER, "requests", "here", (), level)
    return Snapshot(start, start + 10, {series: Summary(count, float(count))})


@implementer(IBackend)
class FakeBackend:
    """Does with each delivery what `answer` says; keeps the starts of all that it was given."""

    name = "fake"

    def __init__(self) -> None:
        self.given: list[float] = []
        self.stopped = 0
        self.answer: Callable[[Delivery], Deferred[None]] = self.take

    def take(self, delivery: Delivery) -> Deferred[None]:
        delivery.delivered(delivery.pending)
        return succeed(None)

    def deliver(self, delivery: Delivery) -> Deferred[None]:
        self.given.append(delivery.snapshot.start)
        return self.answer(delivery)

    def reload(self, settings: Mapping[str, str]) -> None:
        raise NotImplementedError

    def stop(self) -> Deferred[None]:
        self.stopped += 1
        return succeed(None)


def postpone(reason: str = "away", after: float = 0.0) -> Callable[[Delivery], Deferred[None]]:
    return lambda _delivery: fail(RetryLater(reason, after))


class OutboxCase(SynchronousTestCase):
    """An outbox with no jitter in front of a FakeBackend."""

    def setUp(self) -> None:
        self.backend = FakeBackend()
        self.clock = Clock()
        self.metrics = SelfMetrics()
        self.outbox = self.make()

    def make(self, **options: Any) -> Outbox:
        options.setdefault("jitter", lambda: 1.0)
        outbox = Outbox(self.backend, self.clock, self.metrics, **options)
        outbox.startService()
        return outbox

    def total(self, name: str, **tags: str) -> int:
        return self.metrics.total(f"zibrato.{name}", backend="fake", **tags)

    def assert_account(self, delivered: int, pending: int, dropped: int) -> None:
        self.assertEqual(self.total("backend.delivered"), delivered)
        self.assertEqual(self.outbox.pending, pending)
        self.assertEqual(self.total("backend.dropped"), dropped)
        self.assertEqual(self.total("outbox.accepted"), delivered + pending + dropped)

    def logged(self, act: Callable[[], object]) -> list[str]:
        with capturedLogs() as events:
            act()
        return [str(formatEvent(event)) for event in events]

    def gauge(self, name: str) -> float:
        self.outbox.report()
        (row,) = [row for row in self.metrics.batch(0).gauges if row.name == name]
        return unpack(row.samples)[0]


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
        self.assertEqual(self.backend.given, [10, 20])
        waiting[1].callback(None)
        waiting[2].callback(None)
        self.assertEqual(self.backend.given, [10, 20, 30])
        self.assert_account(3, 0, 0)

    def test_takes_what_is_put_during_a_delivery(self) -> None:
        def put_more(delivery: Delivery) -> Deferred[None]:
            self.backend.answer = self.backend.take
            self.outbox.put(snapshot(20))
            return self.backend.take(delivery)

        self.backend.answer = put_more
        self.outbox.put(snapshot(10))
        self.assertEqual(self.backend.given, [10, 20])

    def test_takes_only_its_levels(self) -> None:
        self.outbox = self.make(levels=LevelFilter.parse("warning+"))
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


class BoundTests(OutboxCase):
    """`max_bytes`."""

    def test_drops_the_oldest_but_the_one_under_way(self) -> None:
        self.outbox = self.make(max_bytes=3 * snapshot(0).size)
        self.backend.answer = postpone()
        for start in (10, 20, 30):
            self.outbox.put(snapshot(start))
        full = self.logged(lambda: self.outbox.put(snapshot(40)))
        self.assertEqual(
            full, ["the outbox of fake is full: the oldest 1 measurements are dropped"]
        )
        self.assert_account(0, 3, 1)
        self.assertEqual(self.total("backend.dropped", reason="outbox_full"), 1)
        self.backend.answer = self.backend.take
        self.clock.advance(1)
        self.assertEqual(self.backend.given, [10, 10, 30, 40])

    def test_holds_64_mib_unless_told_otherwise(self) -> None:
        big = Summary(1, 1.0, distribution=Distribution([float(n) for n in range(1024)]))
        times = {Series(TIMER, f"t{number}", "here"): big for number in range(1000)}
        count, left = divmod(64 * 1024 * 1024, Snapshot(0, 10, times).size)
        self.backend.answer = postpone()
        for start in range(count):
            self.outbox.put(Snapshot(start, start + 10, times))
        for start in range(left // snapshot(0).size):  # to the last few bytes
            self.outbox.put(snapshot(count + start))
        self.assertEqual(self.total("backend.dropped"), 0)
        self.outbox.put(snapshot(1 << 20))
        self.assertEqual(self.total("backend.dropped", reason="outbox_full"), 1000)

    def test_at_the_bound_is_within_it(self) -> None:
        for bound, kept in ((2 * snapshot(0).size, 2), (2 * snapshot(0).size - 1, 1)):
            outbox = self.make(max_bytes=bound)
            self.backend.answer = postpone()
            outbox.put(snapshot(10))
            outbox.put(snapshot(20))
            self.assertEqual(outbox.pending, kept)

    def test_one_that_is_too_big_alone_is_still_tried(self) -> None:
        self.outbox = self.make(max_bytes=1)
        self.outbox.put(snapshot(10))
        self.assert_account(1, 0, 0)

    def test_reports_its_depth(self) -> None:
        self.backend.answer = postpone()
        self.outbox.put(snapshot(10))
        self.outbox.put(snapshot(20))
        self.assertEqual(self.gauge("zibrato.outbox.snapshots"), 2)
        self.assertEqual(self.gauge("zibrato.outbox.bytes"), 2 * snapshot(10).size)
        self.backend.answer = self.backend.take
        self.outbox.retry()
        self.assertEqual(self.gauge("zibrato.outbox.snapshots"), 0)
        self.assertEqual(self.gauge("zibrato.outbox.bytes"), 0)


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


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 50)),
        st.tuples(st.just("advance"), st.integers(1, 100)),
        st.tuples(st.just("finish"), st.just(0)),
        st.tuples(st.just("retry"), st.just(0)),
    ),
    max_size=40,
)
OUTCOMES = st.lists(
    st.sampled_from(["take", "part", "drop", "postpone", "fault", "wait"]), max_size=30
)


class AccountTests(SynchronousTestCase):
    """accepted = delivered + pending + dropped."""

    @given(STEPS, OUTCOMES, st.integers(1, 3000), st.booleans())
    def test_adds_up_at_every_step(
        self, steps: list[tuple[str, int]], outcomes: list[str], bound: int, stop: bool
    ) -> None:
        case = Scenario(outcomes, bound)
        accepted = 0
        for number, (step, argument) in enumerate(steps):
            getattr(case, step)(number, argument)
            accepted += argument if step == "put" else 0
            self.assertEqual(case.account(), accepted)
        if stop:
            case.stop()
            self.assertEqual(case.outbox.pending, 0)
        else:
            case.drain()
            self.assertEqual(case.backend.given, sorted(case.backend.given))
        self.assertEqual(case.account(), accepted)
        self.flushLoggedErrors(RuntimeError)


class Scenario:
    """An outbox whose backend has one of `outcomes` for each delivery, and then takes it all."""

    def __init__(self, outcomes: list[str], bound: int) -> None:
        self.backend = FakeBackend()
        self.backend.answer = self.deliver
        self.clock = Clock()
        self.metrics = SelfMetrics()
        self.outbox = Outbox(self.backend, self.clock, self.metrics, max_bytes=bound)
        self.outcomes = outcomes[::-1]
        self.waiting: list[Deferred[None]] = []

    def deliver(self, delivery: Delivery) -> Deferred[None]:
        outcome = self.outcomes.pop() if self.outcomes else "take"
        if outcome == "wait":
            self.waiting.append(Deferred())
            return self.waiting[-1]
        if outcome == "fault":
            raise RuntimeError("a bug")
        share = delivery.pending if outcome == "take" else delivery.pending // 2
        if outcome in ("take", "part"):
            delivery.delivered(share)
        elif outcome == "drop":
            delivery.dropped(share, "rejected")
        return fail(RetryLater("away")) if outcome == "postpone" else succeed(None)

    def account(self) -> int:
        names = ("zibrato.backend.delivered", "zibrato.backend.dropped")
        return self.outbox.pending + sum(map(self.metrics.total, names))

    def put(self, number: int, count: int) -> None:
        self.outbox.put(snapshot(number, count))

    def advance(self, _number: int, seconds: int) -> None:
        self.clock.advance(seconds)

    def finish(self, _number: int, _argument: int) -> None:
        if self.waiting:
            self.waiting.pop().callback(None)

    def retry(self, _number: int, _argument: int) -> None:
        self.outbox.retry()

    def drain(self) -> None:
        drained = self.outbox.drained()
        for _ in range(100):
            self.finish(0, 0)
            self.clock.advance(100)
        assert drained.called
        assert self.outbox.pending == 0

    def stop(self) -> None:
        stopped = self.outbox.stopService()
        assert stopped.called
