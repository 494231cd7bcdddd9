"""An account that adds up whatever a backend does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.outbox.outboxes import FakeBackend, PutOutbox, snapshot
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.interfaces import Delivery, RetryLater

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
            first_times = list(
                dict.fromkeys(case.backend.given)
            )  # what is tried again is there twice
            self.assertEqual(first_times, sorted(first_times))
        self.assertEqual(case.account(), accepted)
        self.flushLoggedErrors(RuntimeError)


class Scenario:
    """An outbox whose backend has one of `outcomes` for each delivery, and then takes it all."""

    def __init__(self, outcomes: list[str], bound: int) -> None:
        self.backend = FakeBackend()
        self.backend.answer = self.deliver
        self.clock = Clock()
        self.metrics = SelfMetrics()
        self.outbox = PutOutbox(self.backend, self.clock, self.metrics, max_bytes=bound)
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
