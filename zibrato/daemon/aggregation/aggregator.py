"""Aggregates batches into intervals; pure, with bounded memory, and accounts for all measurements.

received = aggregated + filtered + rejected + dropped; all but `aggregated` are self-metrics.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable

from zibrato.daemon.aggregation.intervals import (
    MAX_AGE,
    MAX_INTERVALS,
    MAX_SHIPPED_AGE,
    MAX_SPAN,
    NO_SPAN,
    ClosedInterval,
    Content,
    OpenInterval,
    Span,
)
from zibrato.daemon.aggregation.row_adder import RowAdder
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.levels import EVERYTHING, LevelFilter
from zibrato.lines import LineBatch
from zibrato.model import SummaryRow
from zibrato.wire import Batch


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
        self._metrics = metrics
        self.interval = interval
        self._intervals: dict[float, OpenInterval] = {}
        self._rows = RowAdder(metrics, source, max_series, levels)
        self.span = NO_SPAN

    @property
    def levels(self) -> LevelFilter:
        """The filter of levels; a new one applies to what is added after it is set."""
        return self._rows.levels

    @levels.setter
    def levels(self, levels: LevelFilter) -> None:
        self._rows.levels = levels
        for interval in self._intervals.values():
            interval.rows.clear()

    @property
    def max_series(self) -> int:
        """The most series that may be open at once."""
        return self._rows.max_series

    @max_series.setter
    def max_series(self, max_series: int) -> None:
        self._rows.max_series = max_series

    @property
    def open_series(self) -> int:
        """The number of series that the open intervals hold."""
        return self._rows.open_series

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
        self._rows.add(interval, batch)
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

    def restore(self, start: float, content: Content) -> float:
        """Restore rows that the interval of `start` had before a restart; return its start now."""
        start = self._start_of(start)
        if isinstance(content, Batch | LineBatch):
            self._rows.add(self._opened(start), content)
        else:
            for row in content:
                self._take_summary(start, row)
        return start

    def close(self, before: float) -> list[ClosedInterval]:
        """Close the intervals that ended by the Unix time `before`; return them, oldest first."""
        self.span = NO_SPAN
        due = sorted(start for start in self._intervals if start + self.interval <= before)
        closed = []
        for start in due:
            interval = self._intervals.pop(start)
            self._rows.open_series -= len(interval.entries)
            self._rows.open_weight -= interval.weight
            closed.append(ClosedInterval(start, start + self.interval, interval))
        return closed

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
        return self._rows.add_summary(self._opened(start), row)

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
