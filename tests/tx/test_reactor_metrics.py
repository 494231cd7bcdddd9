"""Reactor metrics: gauges of a reactor, as far as it has them."""

from twisted.internet.task import Clock

from zibrato.client.buffers import Buffers
from zibrato.client.instruments import Instruments
from zibrato.client.recorder import Recorder
from zibrato.tx.reactor_metrics import ReactorMetrics, open_descriptors


class Pool:
    """A thread pool's public face."""

    workers = 3
    working = (None, None)

    class q:
        """A queue of five."""

        @staticmethod
        def qsize() -> int:
            return 5


def readings(clock: Clock) -> dict[str, float]:
    """Return one reading of each gauge."""
    buffers = Buffers()
    metrics = ReactorMetrics(Instruments(Recorder(buffers)))
    metrics.start(clock)
    metrics.record()
    metrics.stop()
    assert clock.getDelayedCalls() == []
    (rows,) = buffers.drain.take()
    return {row.name: memoryview(row.samples).cast("d")[0] for row in rows.gauges}


def test_a_reactor_without_threads_has_the_rest() -> None:
    assert set(readings(Clock())) >= {"reactor.lag"}


def test_a_reactors_threads_are_told() -> None:
    clock = Clock()
    clock.threadpool = Pool()  # type: ignore[attr-defined]  # a Clock has none
    gauges = readings(clock)
    assert gauges["reactor.threads"] == 3
    assert gauges["reactor.threads.busy"] == 2
    assert gauges["reactor.threads.queue"] == 5


def test_descriptors_are_counted() -> None:
    before = open_descriptors()
    with open("/dev/null"):
        after = open_descriptors()
    assert before is None or after == before + 1
