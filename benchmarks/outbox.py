"""What a commit to the outbox's file costs, and how late the reactor is meanwhile.

    python -m benchmarks.outbox [SERIES]

The baseline writes the same snapshot as JSON, at once, to a file with one fsync. The garbage
collector is set up as in the daemon.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter, thread_time
from typing import NamedTuple

from msgspec.structs import astuple
from twisted.internet.task import Clock

from benchmarks.report import machine
from zibrato.daemon.aggregation.aggregator import Aggregator
from zibrato.daemon.aggregation.intervals import ClosedInterval
from zibrato.daemon.garbage import LongLived
from zibrato.daemon.outbox.disk import OutboxDisk
from zibrato.daemon.outbox.file import Changes
from zibrato.daemon.outbox.freeing import free
from zibrato.daemon.outbox.journal_turn import Turn, write
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.daemon.series_filter import ALL
from zibrato.model import Snapshot
from zibrato.wire import Batch, CounterRow, SampleRow, encode, pack

SERIES = 100_000
ROUNDS = 5
TIMER_PERIOD = 0.01
IN_BATCH = 1000
SECONDS, LATENESS = 0.5, 0.05
"""The goals: the most seconds for a snapshot, and the most seconds that the timer is late."""


def batches(series: int) -> Iterator[Batch]:
    """Generate clients' batches: counters, timers and gauges alike, with five samples each."""
    samples = pack(array("d", [0.1 * n for n in range(5)]))
    for start in range(0, series, IN_BATCH):
        counters, timers, gauges = list[CounterRow](), list[SampleRow](), list[SampleRow]()
        for number in range(start, min(start + IN_BATCH, series)):
            tags = {"route": f"/r/{number % 50}"}
            identity = (f"app.requests.{number // 3}", "info", f"web{number % 20}", tags)
            if number % 3 == 0:
                counters.append(CounterRow(*identity, 5, 5.0))
            else:
                rows = timers if number % 3 == 1 else gauges
                rows.append(SampleRow(*identity, samples))
        yield Batch(1, "c", start, 0.0, 1.0, counters, timers, gauges)


def interval(series: int) -> ClosedInterval:
    """Return a closed interval with so many series."""
    aggregator = Aggregator(SelfMetrics(), interval=10.0, source="here", max_series=series)
    for batch in batches(series):
        aggregator.add(batch, 1.0)
    (closed,) = aggregator.close(10.0)
    return closed


def frames(series: int) -> list[bytes]:
    """Return what clients send in a second: a counter of each series, 1,000 in a batch."""
    rows = [CounterRow(f"app.requests.{n}", "info", None, {}, 1, 1.0) for n in range(series)]
    parts = [rows[start : start + IN_BATCH] for start in range(0, series, IN_BATCH)]
    return [encode(Batch(1, "c", n, 0.0, 1.0, part)) for n, part in enumerate(parts)]


class Run(NamedTuple):
    """Seconds and CPU seconds of work in a thread; lateness of a 10 ms timer in this thread."""

    seconds: float
    cpu: float
    late: Sequence[float]


def timed(work: Callable[[], object], after: Callable[[], object] = lambda: None) -> Run:
    """Do work in a thread, while this thread does a little every 10 ms, as a reactor does.

    The time doesn't include what runs `after` the work, but the lateness does.
    """
    used: list[float] = []

    def run() -> None:
        began, cpu = perf_counter(), thread_time()
        work()
        used.extend((perf_counter() - began, thread_time() - cpu))
        after()

    thread = threading.Thread(target=run)
    late, pause = list[float](), threading.Event()
    thread.start()
    while thread.is_alive():
        asked = perf_counter()
        pause.wait(TIMER_PERIOD)
        late.append(perf_counter() - asked - TIMER_PERIOD)
        _ = [[number] for number in range(1000)]  # objects, so that the garbage collector runs
    return Run(used[0], used[1], late)


def as_json(snapshot: Snapshot, path: Path) -> None:
    """Write a snapshot in the simplest way."""
    rows = [[*series, *astuple(summary)[:6]] for series, summary in snapshot.summaries.items()]
    with path.open("w") as file:
        json.dump([snapshot.start, snapshot.end, rows], file)
        file.flush()
        os.fsync(file.fileno())


def committed(series: int, disk: OutboxDisk) -> Run:
    """Measure making and committing a snapshot, which is then freed in the thread."""
    turn = Turn([interval(series)], [], {"librato": ALL, "store": ALL}, [], [], {}, None)
    made: list[Snapshot] = []

    def work() -> None:
        for kept in write(turn, disk).fresh:
            assert kept.snapshot is not None
            made.append(kept.snapshot)
            kept.snapshot = None

    return timed(work, lambda: free(made))


def show(what: str, runs: Sequence[Run]) -> None:
    """Print the best time, and the lateness in all runs."""
    late = sorted(lateness for run in runs for lateness in run.late)
    print(
        f"{what:<44} {min(run.seconds for run in runs):8.3f} s "
        f"{min(run.cpu for run in runs):8.3f} s CPU, timer late "
        f"{late[int(0.99 * len(late))] * 1000:5.1f} ms p99 {late[-1] * 1000:5.1f} ms at most"
    )


def main(series: int) -> None:
    """Run some rounds, and print the results."""
    garbage = LongLived()
    garbage.startService()
    with tempfile.TemporaryDirectory() as name:
        disk = OutboxDisk(Clock(), Path(name, "outbox"))
        runs = [committed(series, disk) for _ in range(ROUNDS)]
        log = Changes(frames={0.0: frames(series)})
        logged = [timed(lambda: disk.commit(log)) for _ in range(ROUNDS)]
        disk.close()
        snapshot = interval(series).snapshot()
        dumped = timed(lambda: as_json(snapshot, Path(name, "json")))
    garbage.stopService()
    print(f"{machine()}; load {os.getloadavg()[0]:.1f}")
    show(f"snapshot of {series:,} series: made and committed", runs)
    show("  baseline: as JSON, with one fsync", [dumped])
    show(f"log of a second of {series:,} open series", logged)
    held = {True: "held", False: "NOT held"}
    seconds, late = min(run.seconds for run in runs), max(max(run.late) for run in runs)
    print(f"Goal, under {SECONDS} s: {held[seconds < SECONDS]}.")
    print(f"Goal, a 10 ms timer late by under 50 ms at most: {held[late < LATENESS]}.")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SERIES)
