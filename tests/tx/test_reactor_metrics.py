"""Vital signs: gauges of a reactor, as far as it has them."""

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
    signs = ReactorMetrics(Instruments(Recorder(buffers)))
    signs.start(clock)
    signs.record()
    signs.stop()
    assert clock.getDelayedCalls() == []
    (rows,) = buffers.drain()
    return {row.name: memoryview(row.samples).cast("d")[0] for row in rows.gauges}


def test_a_reactor_without_threads_has_the_rest() -> None:
    assert set(readings(Clock())) >= {"reactor.lag"}


def test_a_reactors_threads_are_told() -> None:
    clock = Clock()
    clock.threadpool = Pool()  # type: ignore[attr-defined]
    found = readings(clock)
    assert found["reactor.threads"] == 3
    assert found["reactor.threads.busy"] == 2
    assert found["reactor.threads.queue"] == 5


def test_descriptors_are_counted() -> None:
    before = open_descriptors()
    with open("/dev/null"):
        after = open_descriptors()
    assert before is None or after == before + 1
