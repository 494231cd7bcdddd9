"""Adds rows to open intervals: finds the series of each, and counts what is not accepted; pure."""

from __future__ import annotations

from math import inf, isfinite

from zibrato.daemon.aggregation.accumulator import Accumulator, SetAccumulator
from zibrato.daemon.aggregation.identity import rejection_of
from zibrato.daemon.aggregation.intervals import OpenInterval, RowIdentity
from zibrato.daemon.aggregation.samples import SAMPLE_BYTES, are_sound, good_samples, unpack_sample
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.levels import LevelFilter, level_name
from zibrato.lines import LineBatch, RepeatedRow, SetRow
from zibrato.model import COUNTER, GAUGE, MAX_EXACT_INT, SET, TIMER, Series, SummaryRow
from zibrato.wire import Batch, CounterRow, SampleRow, unpack

_Row = CounterRow | SampleRow | SummaryRow | RepeatedRow | SetRow


class RowAdder:
    """Adds rows whose level passes the filter `levels`, while there are less than `max_series`.

    `source` is the source of rows that have none.
    """

    def __init__(
        self, metrics: SelfMetrics, source: str, max_series: int, levels: LevelFilter
    ) -> None:
        self.levels = levels
        self.max_series = max_series
        self.open_series = 0
        """The number of series that the open intervals hold."""
        self.open_weight = 0
        """Their weight, which is what `max_series` bounds."""
        self._metrics = metrics
        self._source = source

    def add(self, interval: OpenInterval, batch: Batch | LineBatch) -> None:
        """Add all rows of a batch."""
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

    def _add_counter(self, interval: OpenInterval, row: CounterRow) -> int:
        """Add `row`; return its number of measurements."""
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
        """Add `row`; return its number of measurements."""
        received = sum(row.times)
        entry = self._entry(interval, TIMER, row, received)
        if entry is not None:
            self._metrics.dropped(entry.add_repeated(row.samples, row.times), "overflow")
        return received

    def _add_set(self, interval: OpenInterval, row: SetRow) -> int:
        """Add `row`; return its number of measurements."""
        entry = self._entry(interval, SET, row, len(row.values))
        if isinstance(entry, SetAccumulator):
            entry.add_values(row.values)
        return len(row.values)

    def _add_samples(self, interval: OpenInterval, kind: str, row: SampleRow, sound: bool) -> int:
        """Add `row`; return its number of samples. `sound`: all are known to be valid."""
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

    def add_summary(self, interval: OpenInterval, row: SummaryRow) -> str | None:
        """Add a summary; return the reason if it was lost, else None."""
        summary = row.summary
        self._metrics.received(summary.count)
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
        passes = reason is None and self.levels.passes(level_name(row.level))
        return "max_series" if passes else reason

    def _entry(
        self, interval: OpenInterval, kind: str, row: _Row, count: int
    ) -> Accumulator | None:
        """Return the accumulator for `row`; None if its `count` measurements are lost, counted."""
        tags = tuple(row.tags.items()) if row.tags else ()
        identity = (kind, row.name, row.level, row.source, tags)
        return interval.rows.get(identity) or self._place(interval, identity, count)

    def _place(
        self, interval: OpenInterval, identity: RowIdentity, count: int
    ) -> Accumulator | None:
        kind, name, label, source, tags = identity
        reason = rejection_of(name, label, source, tags)
        if reason:
            self._metrics.rejected(count, reason)
            return None
        series = Series(kind, name, source or self._source, tuple(sorted(tags)), level_name(label))
        if not self.levels.passes(series.level):
            self._metrics.count("zibrato.intake.filtered", count)
            return None
        entry = interval.entries.get(series)
        if entry is None:
            weight = series.weight
            if self.open_weight + weight > self.max_series:
                self._metrics.dropped(count, "max_series")
                return None
            self.open_weight += weight
            interval.weight += weight
            self.open_series += 1
            entry = SetAccumulator() if kind == SET else Accumulator(kind)
            interval.entries[series] = entry
        interval.remember(identity, entry)
        return entry
