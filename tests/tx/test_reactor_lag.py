"""The lag meter: the worst lag since the last look."""

from twisted.internet.task import Clock

from zibrato.tx.reactor_lag import PERIOD, LagMeter


def test_the_worst_lag_since_the_last_look_is_told_once() -> None:
    clock = Clock()
    meter = LagMeter(clock)
    meter.startService()
    clock.pump([PERIOD, PERIOD])
    assert meter.take() == 0
    clock.advance(PERIOD + 2)
    clock.advance(PERIOD)
    assert abs(meter.take() - 2) < 1e-9
    assert meter.take() == 0
    meter.stopService()
    assert clock.getDelayedCalls() == []
