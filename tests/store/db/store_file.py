"""A file of the store for tests: its writer, a reader, and intervals to write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zibrato.distribution import Distribution
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Snapshot, Summary
from zibrato.store.db.codec import merged_summary
from zibrato.store.db.reader import Reader
from zibrato.store.db.schema import open_for_reading, open_for_writing
from zibrato.store.db.tiers import parse_retention
from zibrato.store.db.writer import Writer

TIERS = parse_retention("raw:2d,60s:2w,15m:90d,1h:365d,6h:3y")
T0 = 1_700_006_400 // 86400 * 86400
C, T, G = (Series(kind, "name", "source") for kind in (COUNTER, TIMER, GAUGE))
HUGE = 1 << 30


class File:
    """A file with its writer, and a reader of its own connection."""

    def __init__(self, path: Path, max_bytes: int = HUGE) -> None:
        self.path = path
        self.writer = Writer(open_for_writing(path, max_bytes), TIERS, max_bytes)
        self.reader = Reader(open_for_reading(path), TIERS)

    def maintain(self, now: float) -> int:
        """Do all maintenance that is due; return in how many steps."""
        steps = 0
        while self.writer.maintenance(now):
            steps += 1
        return steps

    def total(self, series: Series, start: float, end: float, now: float, step: int) -> Summary:
        """Return the summary of a series over a time, asked for in steps."""
        (series_id,) = [n for n, known in self.reader.series().items() if known == series]
        plot = self.reader.slots([series_id], start, end, now, step)
        return merged_summary(
            [row for slot in sorted(plot.slots[series_id]) for row in plot.slots[series_id][slot]]
        )

    def count(self, table: str) -> int:
        return int(self.writer.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - all ours

    def close(self) -> None:
        self.writer.connection.close()
        self.reader.connection.close()


def timer(values: Sequence[float]) -> Summary:
    """Return the summary of samples, newest last."""
    squares = sum(value * value for value in values)
    return Summary(
        len(values), sum(values), min(values), max(values), squares, values[-1],
        Distribution(values),
    )  # fmt: skip


def snapshot(start: float, value: float) -> Snapshot:
    """Return an interval in which a counter, a timer and a gauge have about this value."""
    values = [value, value + 1, value + 2]
    return Snapshot(
        start,
        start + 10,
        {
            C: Summary(2, value),
            T: timer(values),
            G: Summary(1, value, value, value, value * value, value),
        },
    )  # fmt: skip
