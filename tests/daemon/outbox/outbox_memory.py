"""Prints what an outbox says that it holds, by what the interpreter says, for each shape of series.

A program of its own: the threads and caches of a process that runs tests take memory, too.
"""

from __future__ import annotations

import gc
import json
import sys
import tracemalloc
from array import array

from twisted.internet.task import Clock

from tests.batches import batch_of
from tests.daemon.outbox.outboxes import FakeBackend, PutOutbox, postpone
from zibrato.daemon.aggregation.aggregator import Aggregator
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.wire import Batch, CounterRow, SampleRow, encode, pack

NOW = 1_700_000_000.0
ROWS = {
    "counters": (300, 0, 8, 0),
    "counters of many short tags": (100, 20, 2, 0),
    "counters of long names": (100, 0, 200, 0),
    "counters of long tags": (50, 10, 200, 0),
    "gauges": (300, 2, 8, 1),
    "timers of one sample": (300, 0, 8, 1),
    "timers of some samples": (100, 3, 8, 50),
    "timers of all samples": (10, 3, 8, 1024),
    "timers in buckets": (10, 0, 8, 1500),
    "timers in many buckets": (2, 0, 8, 9000),
    "one counter an interval": (1, 0, 8, 0),
    "one timer an interval": (1, 2, 8, 3),
}


def text(letter: str, number: int, length: int) -> str:
    return f"{letter}{number}".ljust(length, letter)


def batch(shape: str, interval: int) -> Batch:
    """Return a batch of `shape`: so many series, tags, characters, and samples."""
    series, tags, length, count = ROWS[shape]
    when = NOW + 10.0 * interval
    counters, samples = [], []
    for number in range(series):
        names = {text("t", tag, length): text("v", number + tag, length) for tag in range(tags)}
        name = text("n", number, length)
        if count:
            spread = [1e-4 * 1.01 ** (n % 1400 * (number + 1) % 1400) for n in range(count)]
            samples.append(SampleRow(name, "info", None, names, pack(array("d", spread))))
        else:
            counters.append(CounterRow(name, "info", None, names, 500, 2.5))
    is_gauge = shape.startswith("gauge")
    timers, gauges = ([], samples) if is_gauge else (samples, [])
    return Batch(1, "c", interval, when, when, counters, timers, gauges)


def frames(shape: str) -> list[bytes]:
    series, _, _, count = ROWS[shape]
    intervals = max(3, min(100, 300 // (series + count)))
    return [encode(batch(shape, interval)) for interval in range(intervals)]


def filled(sent: list[bytes]) -> PutOutbox:
    """Return an outbox that holds what was sent, since its backend takes nothing."""
    backend, metrics = FakeBackend(), SelfMetrics()
    backend.answer = postpone()
    outbox = PutOutbox(backend, Clock(), metrics)
    aggregator = Aggregator(metrics, interval=10.0, source="here", max_series=100_000)
    for frame in sent:
        received = batch_of(frame)
        aggregator.add(received, received.start)
        for closed in aggregator.close(received.start + 10):
            outbox.put(closed.snapshot())
    return outbox


def ratio(sent: list[bytes]) -> float:
    """Return what an outbox says that it takes, by what there is more with it."""
    for _ in range(2):  # an outbox that waits is finalised in one, and freed in the next
        gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    outbox = filled(sent)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    return outbox.size / (after - before)


def main() -> None:
    """Print the ratios, by shape, as JSON."""
    tracemalloc.start()
    ratios = {}
    for shape in ROWS:
        sent = frames(shape)
        filled(sent)  # what a process makes once is there from now on
        ratios[shape] = ratio(sent)
    json.dump(ratios, sys.stdout)


if __name__ == "__main__":
    main()
