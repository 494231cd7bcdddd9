"""Batches in, snapshots out: pure, bounded, and every measurement accounted for.

received = aggregated + filtered + rejected + overflow, each a `zibrato.*` count of the Vitals.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import compress
from math import inf, isfinite
from operator import mul

from .distribution import Distribution
from .levels import EVERYTHING, LevelFilter, level_name
from .model import COUNTER, GAUGE, TIMER, Series, Snapshot, Summary, Tags
from .vitals import Vitals
from .wire import Batch, CounterRow, SampleRow, unpack

MAX_AGE = 7200.0
MAX_NAME = 255
MAX_TAGS = 50
_Row = CounterRow | SampleRow


class Accumulator:
    """The open summary of one series in one interval."""

    __slots__ = ("count", "distribution", "last", "max", "min", "sum", "sum_squares")

    def __init__(self, kind: str) -> None:
        self.count = 0
        self.sum = 0.0
        self.min = inf
        self.max = -inf
        self.sum_squares = 0.0
        self.last = 0.0
        self.distribution = Distribution() if kind == TIMER else None

    def add(self, samples: array[float]) -> None:
        """Take finite samples in; there must be one at least."""
        self.count += len(samples)
        self.sum += sum(samples)
        self.min = min(self.min, min(samples))
        self.max = max(self.max, max(samples))
        self.sum_squares += sum(map(mul, samples, samples))
        self.last = samples[-1]
        if self.distribution is not None:
            self.distribution.add(samples)

    def summary(self) -> Summary:
        """Return what was accumulated; the accumulator must not be used afterwards."""
        if self.min > self.max:
            return Summary(self.count, self.sum)
        return Summary(
            self.count,
            self.sum,
            self.min,
            self.max,
            self.sum_squares,
            self.last,
            self.distribution,
        )


class Aggregator:
    """Sums batches up by the interval in which they were recorded.

    `interval` is in seconds and aligned to the clock, `levels` is what passes, `source` is for
    measurements that name none, and `max_series` bounds the open series over all intervals.
    """

    def __init__(
        self,
        vitals: Vitals,
        *,
        interval: float,
        source: str,
        levels: LevelFilter = EVERYTHING,
        max_series: int = 100_000,
    ) -> None:
        self.levels = levels
        self._vitals = vitals
        self._interval = interval
        self._source = source
        self._max_series = max_series
        self._windows: dict[float, dict[Series, Accumulator]] = {}
        self._open = 0

    @property
    def open_series(self) -> int:
        """How many series the open intervals hold."""
        return self._open

    @property
    def pending(self) -> int:
        """How many measurements the open intervals hold."""
        return sum(entry.count for window in self._windows.values() for entry in window.values())

    def add(self, batch: Batch, now: float) -> None:
        """Take `batch` in, at the Unix time `now`."""
        window = self._window((batch.start + batch.end) / 2, now)
        for counter in batch.counters:
            self._add_counter(window, counter)
        for timer in batch.timers:
            self._add_samples(window, TIMER, timer, _is_duration)
        for gauge in batch.gauges:
            self._add_samples(window, GAUGE, gauge, isfinite)

    def close(self, before: float) -> list[Snapshot]:
        """Return the snapshots, oldest first, of the intervals that ended by Unix time `before`."""
        due = sorted(start for start in self._windows if start + self._interval <= before)
        snapshots = []
        for start in due:
            window = self._windows.pop(start)
            self._open -= len(window)
            summaries = {series: entry.summary() for series, entry in window.items()}
            snapshots.append(Snapshot(start, start + self._interval, summaries))
        return [snapshot for snapshot in snapshots if snapshot.summaries]

    def _window(self, when: float, now: float) -> dict[Series, Accumulator]:
        """Return the open interval of `when`, or of `now` where `when` is in no sane relation."""
        if not now - MAX_AGE <= when <= now + self._interval:
            self._vitals.count("zibrato.intake.retimed")
            when = now
        return self._windows.setdefault(when // self._interval * self._interval, {})

    def _add_counter(self, window: dict[Series, Accumulator], row: CounterRow) -> None:
        if row.count < 1:
            self._vitals.count("zibrato.intake.received")
            self._reject(1, "count")
            return
        self._vitals.count("zibrato.intake.received", row.count)
        if not isfinite(row.sum):
            self._reject(row.count, "value")
            return
        entry = self._entry(window, COUNTER, row, row.count)
        if entry is not None:
            entry.count += row.count
            entry.sum += row.sum

    def _add_samples(
        self,
        window: dict[Series, Accumulator],
        kind: str,
        row: SampleRow,
        valid: Callable[[float], bool],
    ) -> None:
        try:
            samples = unpack(row.samples)
        except ValueError:
            self._vitals.count("zibrato.intake.received")
            self._reject(1, "samples")
            return
        self._vitals.count("zibrato.intake.received", len(samples))
        if samples and not _all_valid(samples, kind):
            kept = array("d", compress(samples, map(valid, samples)))
            self._reject(len(samples) - len(kept), "value")
            samples = kept
        if samples:
            entry = self._entry(window, kind, row, len(samples))
            if entry is not None:
                entry.add(samples)

    def _entry(
        self, window: dict[Series, Accumulator], kind: str, row: _Row, count: int
    ) -> Accumulator | None:
        """Return where `count` measurements of `row` go; None, and counted, where nowhere."""
        try:
            level = level_name(row.level)
        except ValueError:
            return self._reject(count, "level")
        if not self.levels.passes(level):
            self._vitals.count("zibrato.intake.filtered", count)
            return None
        if not 0 < len(row.name) <= MAX_NAME:
            return self._reject(count, "name")
        if not all(map(_valid_tag, row.tags.items())) or len(row.tags) > MAX_TAGS:
            return self._reject(count, "tags")
        series = Series(kind, row.name, row.source or self._source, _tags(row), level)
        entry = window.get(series)
        if entry is None:
            if self._open >= self._max_series:
                self._vitals.count("zibrato.series.overflow", count, reason="max_series")
                return None
            self._open += 1
            entry = window[series] = Accumulator(kind)
        return entry

    def _reject(self, count: int, reason: str) -> None:
        self._vitals.count("zibrato.intake.rejected", count, reason=reason)


def _is_duration(value: float) -> bool:
    return 0 <= value < inf


def _all_valid(samples: array[float], kind: str) -> bool:
    """Return whether all are finite and, of a timer, none is negative.

    Their sum is not finite if one of them isn't; a huge sum of finite ones is looked at singly.
    """
    return isfinite(sum(samples)) and (kind == GAUGE or min(samples) >= 0)


@lru_cache(maxsize=4096)
def _valid_tag(tag: tuple[str, str]) -> bool:
    return all(0 < len(text) <= MAX_NAME for text in tag)


def _tags(row: _Row) -> Tags:
    return tuple(sorted(row.tags.items())) if row.tags else ()


def total(snapshots: Sequence[Snapshot]) -> int:
    """Return how many measurements the snapshots sum up."""
    return sum(snapshot.measurements for snapshot in snapshots)
