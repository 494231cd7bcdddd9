"""What the daemon tells of its own process."""

from twisted.internet.task import Clock

from zibrato.tx.process import PERIOD, LagMeter, resident_memory


def test_resident_memory_is_in_bytes() -> None:
    memory = resident_memory()
    assert memory is None or 2**20 < memory < 2**40


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
