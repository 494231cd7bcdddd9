"""Compare the store with whisper, Graphite's file format: speed of writing and reading, and size.

    pip install -r benchmarks/requirements.txt
    python benchmarks/store.py [--series 100000] [--directory DIR]

Both write and read the same measurements in the same run, in one process, without the daemon. The
store's time includes everything that it does beside writing: rollup into chunks and coarser points,
and deletion. The figures are processor time, so that other programs on the machine don't count.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from time import process_time

import whisper

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.report import machine, table, versions
from zibrato.distribution import Distribution
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Snapshot, Summary
from zibrato.store.db.reader import Reader
from zibrato.store.db.schema import open_for_reading, open_for_writing
from zibrato.store.db.tiers import RETENTION, parse_retention
from zibrato.store.db.writer import Writer
from zibrato.store.web.plot_data import plot_data

LEVELS = parse_retention(RETENTION)
ARCHIVES = [(10, 17280), (60, 20160), (900, 8640), (3600, 8760)]
"""The same retention for whisper, without the last tier, which whisper doesn't have."""
BOUND = 1 << 40
INTERVAL = 10
DAY = 86400
YEAR = 365 * DAY
START = 1_700_006_400 // DAY * DAY
_chance = random.Random(1)


class Store:
    """A file with its writer and a reader."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writer = Writer(open_for_writing(path, BOUND), LEVELS, BOUND)

    def maintain(self, now: float) -> None:
        while self.writer.maintenance(now):
            pass

    @property
    def size(self) -> int:
        """The bytes on disk, after the WAL was written back to the file."""
        self.writer.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return self.path.stat().st_size


def gauge(value: float) -> Summary:
    return Summary(1, value, value, value, value * value, value)


def timer(count: int) -> Summary:
    values = [_chance.lognormvariate(-3, 0.6) for _ in range(count)]
    squares = sum(value * value for value in values)
    return Summary(
        count, sum(values), min(values), max(values), squares, values[-1], Distribution(values)
    )


def summary(kind: str) -> Summary:
    """Return a summary of one series in an interval, as an application might have it."""
    if kind == COUNTER:
        return Summary(7, float(_chance.randrange(100)))
    return timer(5) if kind == TIMER else gauge(_chance.random())


def keeping_up(directory: Path, count: int) -> list[str]:
    """Measure an interval with `count` series, a third of each kind; return the row."""
    store = Store(directory / "many.sqlite")
    kinds = [(COUNTER, TIMER, GAUGE)[i % 3] for i in range(count)]
    series = [Series(kind, f"service.{i}.metric", "host") for i, kind in enumerate(kinds)]
    summaries = {one: summary(one.kind) for one in series}
    times = []
    for start in range(START, START + 130 * INTERVAL, INTERVAL):
        began = process_time()
        store.writer.add_snapshots(Snapshot(start, start + INTERVAL, summaries))
        times.append(process_time() - began)
    began = process_time()
    store.maintain(START + 1200 + 7200)
    rollup = (process_time() - began) / 120
    files = [directory / f"{i}.wsp" for i in range(min(count, 2000))]
    for file in files:
        whisper.create(str(file), ARCHIVES, sparse=True)
    began = process_time()
    for file in files:
        whisper.update(str(file), 1.0, START, now=START)
    seconds = (process_time() - began) / len(files)
    writing = statistics.median(times)
    return [
        f"{count:,} series, one interval of {INTERVAL} s",
        f"{writing:.2f} s + {rollup:.2f} s",
        f"{seconds * count:.2f} s",
    ]


def a_day(directory: Path) -> Iterator[list[str]]:
    """Generate the time and size of a day of a gauge's intervals, measured with 20 gauges."""
    store = Store(directory / "day.sqlite")
    series = [Series(GAUGE, f"metric.{i}", "host") for i in range(20)]
    files = [str(directory / f"day{i}.wsp") for i in range(len(series))]
    for file in files:
        whisper.create(file, ARCHIVES)
    ours = theirs = 0.0
    starts = range(START, START + DAY, INTERVAL)
    for start in starts:
        values = [round(_chance.gauss(100, 15), 3) for _ in series]
        summaries = {one: gauge(value) for one, value in zip(series, values, strict=True)}
        began = process_time()
        store.writer.add_snapshots(Snapshot(start, start + INTERVAL, summaries))
        store.writer.maintenance(start)
        ours += process_time() - began
        began = process_time()
        for file, value in zip(files, values, strict=True):
            whisper.update(file, value, start, now=start)
        theirs += process_time() - began
    store.maintain(START + 2 * DAY)
    count = len(starts) * len(series)
    yield ["a measurement of 20 gauges, written", micro(ours / count), micro(theirs / count)]
    size = sum(Path(file).stat().st_size for file in files)
    yield ["bytes a measurement, after a day", f"{store.size / count:.1f}", f"{size / count:.1f}"]
    with closing(open_for_reading(store.path)) as connection:
        reader = Reader(connection, LEVELS)
        numbers = [*reader.series()]
        end = START + DAY
        yield [
            "a day of one gauge, read",
            milli(lambda: reader.slots(numbers[:1], START, end, end, 10)),
            milli(lambda: whisper.fetch(files[0], START, end, now=end)),
        ]


def a_year(directory: Path) -> Iterator[list[str]]:
    """Generate the time to draw a year of one metric, measured every ten minutes."""
    store = Store(directory / "year.sqlite")
    series = [Series(GAUGE, "gauge", "host"), Series(TIMER, "timer", "host")]
    file = str(directory / "year.wsp")
    whisper.create(file, ARCHIVES, xFilesFactor=0.0)
    for start in range(START, START + YEAR, 600):
        value = _chance.random()
        summaries = {series[0]: gauge(value), series[1]: timer(200)}
        store.writer.add_snapshots(Snapshot(start, start + 10, summaries))
        store.writer.maintenance(start)
        whisper.update(file, value, start, now=start)
    end = START + YEAR
    store.maintain(end)
    with closing(open_for_reading(store.path)) as connection:
        reader = Reader(connection, LEVELS)
        known = reader.series()
        for kind, fetch in (
            (GAUGE, milli(lambda: whisper.fetch(file, START, end, now=end))),
            (TIMER, "no histograms"),
        ):
            (number,) = [n for n, one in known.items() if one.kind == kind]
            duration = milli(lambda: draw(reader, number, known, end))  # noqa: B023 - called at once
            yield [f"a year of one {kind}, drawn", duration, fetch]


def draw(reader: Reader, number: int, known: dict[int, Series], end: float) -> object:
    """Do what the page's query does."""
    plot = reader.plot([number], end - YEAR, end, end, 600)
    return plot_data(plot, {number: known[number]})


def milli(call: Callable[[], object]) -> str:
    """Return the median time of seven calls."""
    times = []
    for _ in range(7):
        began = process_time()
        call()
        times.append(process_time() - began)
    return f"{statistics.median(times) * 1e3:.1f} ms"


def micro(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} µs"


def main() -> None:
    """Print the machine and the table."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--directory", help="where to write; default: the temporary directory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        directory = Path(name)
        rows = [*a_day(directory), *a_year(directory), keeping_up(directory, options.series)]
    print(machine())
    print(versions("zibrato", "whisper"))
    print()
    print(table(["what", "store (+ rollup)", "whisper"], rows))


if __name__ == "__main__":
    main()
