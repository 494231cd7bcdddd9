"""Timed calls keep their time while the wall clock is set, and that is noticed once."""

from __future__ import annotations

import threading

import pytest
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.selectreactor import SelectReactor
from twisted.internet.task import Clock, LoopingCall
from zope.interface.verify import verifyObject

from tests.fake_reactor import FakeReactor
from zibrato.interfaces import Reactor
from zibrato.tx.monotonic import (
    MIN_STEP,
    PERIOD,
    ClockWatch,
    MonotonicReactor,
    is_by_wall_clock,
    monotonic,
)

HOUR = 3600.0


class Wall(FakeReactor):
    """A reactor as Twisted's are: a step of its clock makes all timed calls late, or early."""

    def set_clock(self, step: float) -> None:
        """Set the wall clock, and no timed call."""
        self._step += step


class Fixture:
    """Both clocks, a log of what was called when by the monotonic one, and a watch."""

    def __init__(self) -> None:
        self.wall = Wall()
        self.wall.set_clock(1_700_000_000.0)
        self.reactor = MonotonicReactor(self.wall, self.wall.monotonic)
        self.called: list[float] = []
        self.steps: list[float] = []
        self.watch = ClockWatch(self.reactor, self.steps.append, self.wall.seconds)
        self.watch.running = True
        self.watch._offset = self.wall.seconds() - self.wall.monotonic()

    def call(self) -> None:
        self.called.append(self.wall.monotonic())

    def step(self, seconds: float) -> None:
        """Set the clock, and notice."""
        self.wall.set_clock(seconds)
        self.watch.look()
        self.wall.run_calls()


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


def test_it_is_a_reactor_with_all_that_the_other_one_has(fixture: Fixture) -> None:
    assert verifyObject(Reactor, fixture.reactor)
    assert fixture.reactor.stops == 0  # by way of __getattr__
    fixture.reactor.stop()
    assert fixture.wall.stops == 1
    assert fixture.reactor.seconds() == 1_700_000_000.0
    assert fixture.reactor.monotonic() == 0.0
    fixture.reactor.callFromThread(fixture.call)
    fixture.reactor.callWhenRunning(fixture.call)
    fixture.wall.run_calls()
    assert len(fixture.called) == 2
    with pytest.raises(NotImplementedError):
        fixture.reactor.getThreadPool()


@pytest.mark.parametrize("seconds", [-HOUR, -1.0, 1.0, HOUR])
def test_a_call_comes_when_it_is_due_whatever_the_clock(fixture: Fixture, seconds: float) -> None:
    fixture.reactor.callLater(0, fixture.call)
    fixture.reactor.callLater(10, fixture.call)
    fixture.reactor.callLater(60, fixture.call)
    fixture.step(seconds)
    fixture.wall.pump([1.0] * 70)
    assert len(fixture.called) == 3
    assert [round(when) for when in fixture.called] in ([0, 10, 60], [1, 10, 60])
    assert fixture.reactor.getDelayedCalls() == []


def test_the_reactors_own_would_not_come(fixture: Fixture) -> None:
    fixture.wall.callLater(10, fixture.call)
    fixture.step(-HOUR)
    fixture.wall.pump([1.0] * 70)
    assert fixture.called == []


def test_what_loops_finds_its_place_by_the_wall_clock_again(fixture: Fixture) -> None:
    loop = LoopingCall(lambda: fixture.called.append(fixture.wall.seconds() % 10))
    loop.clock = fixture.reactor
    loop.start(10)
    fixture.wall.pump([1.0] * 13)
    fixture.step(-HOUR + 4)
    fixture.wall.pump([1.0] * 30)
    assert [round(when) % 10 for when in fixture.called] == [0, 0, 4, 0, 0]
    loop.stop()


def test_a_call_can_be_put_off_and_cancelled(fixture: Fixture) -> None:
    call = fixture.reactor.callLater(5, fixture.call)
    assert verifyObject(IDelayedCall, call)
    assert call.getTime() == fixture.wall.seconds() + 5
    call.delay(5)
    fixture.step(HOUR)
    fixture.wall.advance(9)
    assert call.active()
    call.reset(2)
    fixture.wall.advance(2)
    assert not call.active()
    assert fixture.called == [11]
    with pytest.raises(AlreadyCalled):
        call.reset(1)
    call = fixture.reactor.callLater(5, fixture.call)
    call.cancel()
    fixture.step(-HOUR)
    with pytest.raises(AlreadyCancelled):
        call.cancel()
    fixture.wall.advance(2 * HOUR)
    assert fixture.called == [11]


def test_each_step_is_told_once_and_slewing_is_none(fixture: Fixture) -> None:
    for step in (-HOUR, HOUR, 0.0, MIN_STEP / 2, -MIN_STEP / 2):
        fixture.step(step)
        fixture.wall.advance(PERIOD)
        fixture.step(0.0)
    assert fixture.steps == [-HOUR, HOUR]


def test_a_process_that_stands_still_between_two_readings_is_no_step(fixture: Fixture) -> None:
    """As on a machine with too few processors."""
    pauses = iter([5.0, 2.0])

    def seconds() -> float:
        now = fixture.wall.seconds()
        fixture.wall.advance(next(pauses, 0.0))
        return now

    fixture.watch._wall = seconds
    fixture.step(0.0)
    assert next(pauses, None) is None
    fixture.step(0.0)
    assert fixture.steps == []


def test_nothing_is_told_after_a_stop(fixture: Fixture) -> None:
    fixture.watch.stopService()
    fixture.step(HOUR)
    assert fixture.steps == []


def test_a_thread_looks_while_the_service_runs() -> None:
    looked = threading.Event()

    class Watch(ClockWatch):
        def look(self) -> None:
            looked.set()

    watch = Watch(MonotonicReactor(Wall()), print)
    watch.startService()
    assert looked.wait(30)
    thread = watch._thread
    assert thread is not None
    watch.stopService()
    thread.join(30)
    assert not thread.is_alive()


def test_twisteds_own_reactors_are_wrapped_and_any_other_goes_by_its_own_time(
    fixture: Fixture,
) -> None:
    clock = Clock()
    wrapped = monotonic(clock)
    wrapped.callLater(10, fixture.call)
    clock.advance(10)
    assert (wrapped.monotonic(), len(fixture.called)) == (10, 1)
    assert monotonic(wrapped) is wrapped
    assert not is_by_wall_clock(clock)
    assert is_by_wall_clock(SelectReactor())
