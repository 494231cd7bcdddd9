"""What a commit to the outbox's file costs, and how late the reactor is meanwhile.

    python -m benchmarks.outbox [SERIES]

Beside a baseline: the same snapshot as JSON, in one piece, to a file with one fsync.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, thread_time

from zibrato.daemon.accumulator import Accumulator
from zibrato.daemon.intervals import ClosedInterval, OpenInterval
from zibrato.daemon.kept_snapshot import KeptSnapshot
from zibrato.daemon.outbox_file import Changes, OutboxFile
from zibrato.levels import EVERYTHING
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Snapshot
from zibrato.wire import Batch, CounterRow, encode

SERIES = 100_000
ROUNDS = 3
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


def timed(work: Callable[[], object]) -> tuple[float, float, float]:
    """Return seconds and CPU seconds of work in a thread, and how late this thread was."""
    used: list[float] = []

    def run() -> None:
        began, cpu = perf_counter(), thread_time()
        work()
        used.extend((perf_counter() - began, thread_time() - cpu))

    thread = threading.Thread(target=run)
    lateness, pause = 0.0, threading.Event()
    thread.start()
    while thread.is_alive():
        asked = perf_counter()
        pause.wait(0.001)
        lateness = max(lateness, perf_counter() - asked - 0.001)
    return used[0], used[1], lateness


def as_json(snapshot: Snapshot, path: Path) -> None:
    rows = [[*series, *summary[:6]] for series, summary in snapshot.summaries.items()]
    with path.open("w") as file:
        json.dump([snapshot.start, snapshot.end, rows], file)
        file.flush()
        os.fsync(file.fileno())


def show(what: str, runs: Sequence[tuple[float, float, float]]) -> None:
    seconds, cpu, late = (min(column) for column in zip(*runs, strict=True))
    print(f"{what:<44} {seconds:8.3f} s {cpu:8.3f} s CPU, this thread {late * 1000:5.0f} ms late")


Run = tuple[float, float, float]


def measured(series: int, directory: Path, file: OutboxFile) -> list[Run]:
    """Return what it costs to make a snapshot, to commit it, to write JSON, and to log a second."""
    closed, snapshots = interval(series), []
    made = timed(lambda: snapshots.append(closed.snapshot()))
    (snapshot,) = snapshots
    backends = {"librato": EVERYTHING, "store": EVERYTHING}
    changes = Changes([(KeptSnapshot.of(snapshot), backends)])
    log = Changes(frames={0.0: frames(series)})
    return [
        made,
        timed(lambda: file.commit(changes)),
        timed(lambda: as_json(snapshot, directory / "json")),
        timed(lambda: file.commit(log)),
    ]


def main(series: int) -> None:
    """Print the best of some rounds."""
    with tempfile.TemporaryDirectory() as name:
        file = OutboxFile(Path(name, "outbox"), "run")
        rounds = [measured(series, Path(name), file) for _ in range(ROUNDS)]
        file.close()
    made, committed, dumped, logged = zip(*rounds, strict=True)
    show(f"snapshot of {series:,} series: made", made)
    show("  committed to the outbox's file", committed)
    show("  baseline: as JSON, with one fsync", dumped)
    show(f"log of a second of {series:,} open series", logged)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SERIES)
