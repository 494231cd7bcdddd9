"""The lag meter: the worst lag since the last look."""

from tests.fake_reactor import FakeReactor
from zibrato.tx.reactor_lag import PERIOD, LagMeter


def test_the_worst_lag_since_the_last_look_is_told_once() -> None:
    clock = FakeReactor()
    meter = LagMeter(clock, clock.monotonic)
    meter.startService()
    clock.pump([PERIOD, PERIOD])
    assert meter.take() == 0
    clock.advance(PERIOD + 2)
    clock.advance(PERIOD)
    assert abs(meter.take() - 2) < 1e-9
    assert meter.take() == 0
    meter.stopService()
    assert clock.getDelayedCalls() == []


def test_a_step_of_the_clock_is_no_lag() -> None:
    clock = FakeReactor()
    meter = LagMeter(clock, clock.monotonic)
    meter.startService()
    clock.advance(PERIOD)
    clock.set_clock(3600)
    clock.pump([PERIOD] * 3)
    assert meter.take() == 0
    meter.stopService()
