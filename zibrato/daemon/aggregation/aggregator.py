"""Aggregates batches into intervals; pure, with bounded memory, and accounts for all measurements.

received = aggregated + filtered + rejected + dropped; all but `aggregated` are self-metrics.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from math import inf, isfinite

from zibrato.daemon.aggregation.accumulator import Accumulator, SetAccumulator
from zibrato.daemon.aggregation.identity import rejection_of
from zibrato.daemon.aggregation.intervals import (
    MAX_AGE,
    MAX_INTERVALS,
    MAX_SHIPPED_AGE,
    MAX_SPAN,
    NO_SPAN,
    ClosedInterval,
    Identity,
    OpenInterval,
    Span,
    Taken,
)
from zibrato.daemon.aggregation.samples import SAMPLE_BYTES, are_sound, good_samples, unpack_sample
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.levels import EVERYTHING, LevelFilter, level_name
from zibrato.lines import LineBatch, RepeatedRow, SetRow
from zibrato.model import COUNTER, GAUGE, MAX_EXACT_INT, SET, TIMER, Series, SummaryRow
from zibrato.wire import Batch, CounterRow, SampleRow, unpack

_Row = CounterRow | SampleRow | SummaryRow | RepeatedRow | SetRow


class Aggregator:
    """Aggregates batches by the interval in which they were recorded.

    `interval` is in seconds, aligned to the clock. `levels` is the filter of levels, `source` is
    the default source, and `max_series` bounds the open series of all intervals together.
    """

    def __init__(
        self,
        metrics: SelfMetrics,
        *,
        interval: float,
        source: str,
        max_series: int,
        levels: LevelFilter = EVERYTHING,
    ) -> None:
        self._levels = levels
        self._metrics = metrics
        self.interval = interval
        self._source = source
        self.max_series = max_series
        self._intervals: dict[float, OpenInterval] = {}
        self.open_series = 0
        """The number of series that the open intervals hold."""
        self.span = NO_SPAN

    @property
    def levels(self) -> LevelFilter:
        """The filter of levels; a new one applies to what is added after it is set."""
        return self._levels

    @levels.setter
    def levels(self, levels: LevelFilter) -> None:
        self._levels = levels
        for interval in self._intervals.values():
            interval.rows.clear()

    @property
    def pending(self) -> int:
        """The number of measurements that the open intervals hold."""
        return sum(
            entry.count
            for interval in self._intervals.values()
            for entry in interval.entries.values()
        )

    def add(self, batch: Batch | LineBatch, now: float) -> float:
        """Aggregate `batch` at the Unix time `now`; return the start of its interval."""
        known, begun, over, interval = self.span
        # Batches that arrive together mostly belong to one interval.
        if now != known or not begun <= batch.start <= batch.end < over:
            _, begun, _, interval = self._span_of(batch, now)
        self._take(interval, batch)
        return begun

    def _span_of(self, batch: Batch | LineBatch, now: float) -> Span:
        start, end = batch.start, batch.end
        when = end if end < start or end - start > MAX_SPAN else (start + end) / 2
        start = self._start_for(when, now)
        span = Span(now, start, start + self.interval, self._opened(start))
        # Only if no batch of this interval would be moved to the interval of `now`.
        if now - MAX_AGE <= start and span.end <= now + self.interval:
            self.span = span
        return span

    def add_own(self, batch: Batch, now: float) -> None:
        """Aggregate self-metrics, even beyond `max_series`: they include the losses it causes."""
        bound, self.max_series = self.max_series, sys.maxsize
        try:
            self.add(batch, now)
        finally:
            self.max_series = bound

    def restore(self, start: float, taken: Taken) -> float:
        """Restore rows that the interval of `start` had before a restart; return its start now."""
        start = self._start_of(start)
        if isinstance(taken, Batch | LineBatch):
            self._take(self._opened(start), taken)
        else:
            for row in taken:
                self._take_summary(start, row)
        return start

    def close(self, before: float) -> list[ClosedInterval]:
        """Close the intervals that ended by the Unix time `before`; return them, oldest first."""
        self.span = NO_SPAN
        due = sorted(start for start in self._intervals if start + self.interval <= before)
        closed = []
        for start in due:
            interval = self._intervals.pop(start)
            self.open_series -= len(interval.entries)
            closed.append(ClosedInterval(start, start + self.interval, interval))
        return closed

    def _take(self, interval: OpenInterval, batch: Batch | LineBatch) -> None:
        received = 0
        for counter in batch.counters:
            received += self._add_counter(interval, counter)
        if timers := batch.timers:
            sound = len(timers) > 1 and are_sound(timers)
            for timer in timers:
                received += self._add_samples(interval, TIMER, timer, sound)
        for gauge in batch.gauges:
            received += self._add_samples(interval, GAUGE, gauge, False)
        if isinstance(batch, LineBatch):
            received += sum(self._add_repeated(interval, row) for row in batch.repeated)
            received += sum(self._add_set(interval, row) for row in batch.sets)
        self._metrics.received(received)

    def add_summaries(
        self,
        rows: Iterable[SummaryRow],
        now: float,
        note: Callable[[float, SummaryRow], object] = lambda _start, _row: None,
    ) -> Counter[str]:
        """Aggregate summaries; return how many rows were lost, by reason.

        Rows that the filter of levels leaves out don't count as lost. `note` is called with each
        row and the start of its interval.
        """
        lost: Counter[str] = Counter()
        for row in rows:
            start = self._start_for(row.when, now)
            reason = self._take_summary(start, row)
            note(start, row)
            if reason:
                lost[reason] += 1
        return lost

    def has_room(self, when: float) -> bool:
        """Return whether the interval of `when` is open, or another one can be opened."""
        return len(self._intervals) < MAX_INTERVALS or self._start_of(when) in self._intervals

    def add_shipped(self, rows: Iterable[SummaryRow], when: float, now: float) -> float:
        """Aggregate another daemon's summaries as of `when`; return the start of their interval.

        They may have waited in that daemon's outbox, up to `MAX_SHIPPED_AGE`.
        """
        start = self._start_for(when, now, MAX_SHIPPED_AGE)
        self._opened(start)  # even without rows: the journal forgets the part as this closes
        for row in rows:
            self._take_summary(start, row)
        return start

    def _take_summary(self, start: float, row: SummaryRow) -> str | None:
        self._metrics.received(row.summary.count)
        return self._add_summary(self._opened(start), row)

    def _opened(self, start: float) -> OpenInterval:
        interval = self._intervals.get(start)
        if interval is None:
            interval = self._intervals[start] = OpenInterval()
        return interval

    def _start_for(self, when: float, now: float, max_age: float = MAX_AGE) -> float:
        """Return the start of the interval of `when`, or of `now` if `when` can't have one."""
        if self.has_room(when) and now - max_age <= when <= now + self.interval:
            return self._start_of(when)
        self._metrics.count("zibrato.intake.timestamp_clamped")
        return self._start_of(now)

    def _start_of(self, when: float) -> float:
        return when // self.interval * self.interval

    def _add_counter(self, interval: OpenInterval, row: CounterRow) -> int:
        """Aggregate `row`; return its number of measurements."""
        if not 0 < row.count <= MAX_EXACT_INT:
            self._metrics.rejected(1, "count")
            return 1
        if not isfinite(row.sum):
            self._metrics.rejected(row.count, "value")
            return row.count
        entry = self._entry(interval, COUNTER, row, row.count)
        if entry is not None:
            self._metrics.dropped(entry.add_counts(row.count, row.sum), "overflow")
        return row.count

    def _add_repeated(self, interval: OpenInterval, row: RepeatedRow) -> int:
        """Aggregate `row`; return its number of measurements."""
        received = sum(row.times)
        entry = self._entry(interval, TIMER, row, received)
        if entry is not None:
            self._metrics.dropped(entry.add_repeated(row.samples, row.times), "overflow")
        return received

    def _add_set(self, interval: OpenInterval, row: SetRow) -> int:
        """Aggregate `row`; return its number of measurements."""
        entry = self._entry(interval, SET, row, len(row.values))
        if isinstance(entry, SetAccumulator):
            entry.add_values(row.values)
        return len(row.values)

    def _add_samples(self, interval: OpenInterval, kind: str, row: SampleRow, sound: bool) -> int:
        """Aggregate `row`; return its number of samples. `sound`: all are known to be valid."""
        data = row.samples
        if len(data) == SAMPLE_BYTES:
            (sample,) = unpack_sample(data)
            if 0 <= sample < inf:
                entry = self._entry(interval, kind, row, 1)
                if entry is not None:
                    entry.add_one(sample)
                return 1
        try:
            samples, bad = (unpack(data), 0) if sound else good_samples(kind, data)
        except ValueError:
            self._metrics.rejected(1, "samples")
            return 1
        if bad:
            self._metrics.rejected(bad, "value")
        if samples:
            entry = self._entry(interval, kind, row, len(samples))
            if entry is not None:
                entry.add(samples)
        return len(samples) + bad

    def _add_summary(self, interval: OpenInterval, row: SummaryRow) -> str | None:
        """Aggregate `row`; return the reason if it was lost, else None."""
        summary = row.summary
        entry = self._entry(interval, row.kind, row, summary.count)
        if entry is None:
            return self._loss_of(row)
        if row.kind == COUNTER:
            excess = entry.add_counts(summary.count, summary.sum)
        else:
            excess = entry.add_summary(summary)
        self._metrics.dropped(excess, "overflow")
        return None

    def _loss_of(self, row: SummaryRow) -> str | None:
        """Return the reason why `row` was lost; None if the filter of levels left it out."""
        reason = rejection_of(row.name, row.level, row.source, tuple(row.tags.items()))
        passes = reason is None and self._levels.passes(level_name(row.level))
        return "max_series" if passes else reason

    def _entry(
        self, interval: OpenInterval, kind: str, row: _Row, count: int
    ) -> Accumulator | None:
        """Return the accumulator for `row`; None if its `count` measurements are lost, counted."""
        tags = tuple(row.tags.items()) if row.tags else ()
        identity = (kind, row.name, row.level, row.source, tags)
        return interval.rows.get(identity) or self._place(interval, identity, count)

    def _place(self, interval: OpenInterval, identity: Identity, count: int) -> Accumulator | None:
        kind, name, label, source, tags = identity
        reason = rejection_of(name, label, source, tags)
        if reason:
            self._metrics.rejected(count, reason)
            return None
        series = Series(kind, name, source or self._source, tuple(sorted(tags)), level_name(label))
        if not self._levels.passes(series.level):
            self._metrics.count("zibrato.intake.filtered", count)
            return None
        entry = interval.entries.get(series)
        if entry is None:
            if self.open_series >= self.max_series:
                self._metrics.dropped(count, "max_series")
                return None
            self.open_series += 1
            entry = SetAccumulator() if kind == SET else Accumulator(kind)
            interval.entries[series] = entry
        interval.remember(identity, entry)
        return entry
