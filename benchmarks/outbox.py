"""What a commit to the outbox's file costs, and how late the reactor is meanwhile.

    python -m benchmarks.outbox [SERIES]

Beside a baseline: the same snapshot as JSON, in one piece, to a file with one fsync; and beside
what a full collection of garbage takes with that many series, whenever the interpreter does one.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
import threading
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, thread_time
from typing import NamedTuple

from msgspec.structs import astuple
from twisted.internet.task import Clock

from zibrato.daemon.accumulator import Accumulator
from zibrato.daemon.intervals import ClosedInterval, OpenInterval
from zibrato.daemon.journal_turn import Turn, write
from zibrato.daemon.outbox_disk import OutboxDisk
from zibrato.daemon.outbox_file import Changes
from zibrato.daemon.series_filter import ALL
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Snapshot
from zibrato.wire import Batch, CounterRow, encode

SERIES = 100_000
ROUNDS = 5
TIMER_PERIOD = 0.01
KINDS = (COUNTER, TIMER, GAUGE)


def interval(series: int) -> ClosedInterval:
    """Return a closed interval of as many counters as timers and gauges, of five samples each."""
    opened = OpenInterval()
    samples = array("d", [0.1 * n for n in range(5)])
    for number in range(series):
        kind = KINDS[number % 3]
        tags = (("route", f"/r/{number % 50}"),)
        entry = Accumulator(kind)
        if kind == COUNTER:
            entry.add_counts(5, 5.0)
        else:
            entry.add(samples)
        opened.entries[Series(kind, f"app.requests.{number // 3}", f"web{number % 20}", tags)] = (
            entry
        )
    return ClosedInterval(0.0, 10.0, opened)


def frames(series: int) -> list[bytes]:
    """Return what clients send in a second: a counter of every series, 1,000 to a batch."""
    rows = [CounterRow(f"app.requests.{n}", "info", None, {}, 1, 1.0) for n in range(series)]
    parts = [rows[start : start + 1000] for start in range(0, series, 1000)]
    return [encode(Batch(1, "c", n, 0.0, 1.0, part)) for n, part in enumerate(parts)]


class Run(NamedTuple):
    """Seconds and CPU seconds of work in a thread; how late a timer of 10 ms was in this one."""

    seconds: float
    cpu: float
    late: Sequence[float]


def timed(work: Callable[[], object]) -> Run:
    """Do work in a thread, while this one does a little every 10 ms, as a reactor does."""
    used: list[float] = []

    def run() -> None:
        began, cpu = perf_counter(), thread_time()
        work()
        used.extend((perf_counter() - began, thread_time() - cpu))

    thread = threading.Thread(target=run)
    late, pause = list[float](), threading.Event()
    thread.start()
    while thread.is_alive():
        asked = perf_counter()
        pause.wait(TIMER_PERIOD)
        late.append(perf_counter() - asked - TIMER_PERIOD)
        _ = [[number] for number in range(1000)]  # objects, for which garbage is collected
    return Run(used[0], used[1], late)


def as_json(snapshot: Snapshot, path: Path) -> None:
    rows = [[*series, *astuple(summary)[:6]] for series, summary in snapshot.summaries.items()]
    with path.open("w") as file:
        json.dump([snapshot.start, snapshot.end, rows], file)
        file.flush()
        os.fsync(file.fileno())


def show(what: str, runs: Sequence[Run]) -> None:
    """Print the best time, and the lateness over all runs."""
    late = sorted(lateness for run in runs for lateness in run.late)
    print(
        f"{what:<44} {min(run.seconds for run in runs):8.3f} s "
        f"{min(run.cpu for run in runs):8.3f} s CPU, timer late "
        f"{late[int(0.99 * len(late))] * 1000:5.1f} ms p99 {late[-1] * 1000:5.1f} ms at most"
    )


def measured(series: int, disk: OutboxDisk) -> tuple[Run, Run]:
    """Return what it costs to make and commit a snapshot, and to log a second."""
    closed = interval(series)
    turn = Turn([closed], [], {"librato": ALL, "store": ALL}, [], [], {}, None)
    log = Changes(frames={0.0: frames(series)})
    return timed(lambda: write(turn, disk)), timed(lambda: disk.commit(log))


def main(series: int) -> None:
    """Print what some rounds come to."""
    with tempfile.TemporaryDirectory() as name:
        disk = OutboxDisk(Clock(), Path(name, "outbox"))
        committed, logged = zip(*[measured(series, disk) for _ in range(ROUNDS)], strict=True)
        disk.close()
        snapshot = interval(series).snapshot()
        dumped = timed(lambda: as_json(snapshot, Path(name, "json")))
    collected = timed(gc.collect)
    print(f"load {os.getloadavg()[0]:.1f}")
    show(f"snapshot of {series:,} series: made and committed", committed)
    show("  baseline: as JSON, with one fsync", [dumped])
    show(f"log of a second of {series:,} open series", logged)
    show("all garbage collected, with one such snapshot", [collected])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SERIES)
