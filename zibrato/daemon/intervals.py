"""Intervals: what an open one holds, and a closed one that is to become a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan
from typing import NamedTuple, cast

from zibrato.daemon.accumulator import Accumulator
from zibrato.lines import LineBatch
from zibrato.model import GAUGE, SET, Series, Snapshot, Summary, SummaryRow, Tags
from zibrato.wire import Batch

MAX_AGE = 7200.0
"""Seconds for which a batch keeps its own time: Librato takes nothing older."""
MAX_SHIPPED_AGE = 8 * 86_400.0
"""Seconds for which what another daemon shipped does: by default its outbox keeps it for 7 days."""
MAX_SPAN = 60.0
"""Seconds of a batch: clients send every second, so that the clock was set in a longer one."""
MAX_INTERVALS = 1000
"""Intervals that are open at once: all of `MAX_AGE` where they last as long as by default."""
Taken = Batch | LineBatch | Sequence[SummaryRow]
"""What an interval takes in at once."""
Identity = tuple[str, str, str, str | None, Tags]
"""What tells rows apart: kind, name, level, source and tags, as they came."""
_PART = 1000
"""Series of which the accumulators are freed together."""


class OpenInterval:
    """What is accumulated of each series in an interval, and to which one a row belongs.

    `rows` saves working the series out again, by a row's identity, or the bytes that it came as.
    Different rows can mean one series, such as those of level `warn` and `warning`, so that there
    is a bound of its own to it.
    """

    __slots__ = ("entries", "rows")

    def __init__(self) -> None:
        self.entries: dict[Series, Accumulator] = {}
        self.rows: dict[Identity | bytes, Accumulator] = {}

    def remember(self, row: Identity | bytes, entry: Accumulator) -> None:
        """Note that what is known as `row` goes to `entry`."""
        if len(self.rows) < 2 * len(self.entries):
            self.rows[row] = entry


class Span(NamedTuple):
    """When an open interval began and ends, for batches that are taken in at the time `now`."""

    now: float
    start: float
    end: float
    interval: OpenInterval


NO_SPAN = Span(nan, inf, -inf, OpenInterval())


class ClosedInterval:
    """An interval that takes nothing more; its snapshot is yet to be made, which may take long."""

    __slots__ = ("_interval", "end", "start")

    def __init__(self, start: float, end: float, interval: OpenInterval) -> None:
        self.start = start
        self.end = end
        self._interval = interval

    @property
    def series(self) -> int:
        """How many series it has."""
        return len(self._interval.entries)

    def snapshot(self) -> Snapshot:
        """Return the snapshot, once; any thread may."""
        interval, self._interval = self._interval, OpenInterval()
        return Snapshot(self.start, self.end, _summaries(interval))


def _summaries(interval: OpenInterval) -> dict[Series, Summary]:
    """Return what was accumulated; a set is a gauge from here on.

    The interval is empty afterwards: each summary takes the place of its accumulator. Those are
    freed part by part: to free all at once is one step of the interpreter, for which every thread
    has to wait. To free an object for each that is made is no better: Python collects garbage once
    there are some hundred objects more than there were, and would go through those of all series
    in one step then.
    """
    while interval.rows:
        interval.rows.popitem()
    opened, accumulators = list(interval.entries), list(interval.entries.values())
    summaries = cast(dict[Series, Summary], interval.entries)
    interval.entries = {}
    sets: list[Series] = []
    while opened:
        part, entries = opened[-_PART:], accumulators[-_PART:]
        del opened[-_PART:], accumulators[-_PART:]
        summaries.update(zip(part, [entry.summary() for entry in entries], strict=True))
        sets += [series for series in part if series.kind == SET]
    for one in sets:
        series, summary = one._replace(kind=GAUGE), summaries.pop(one)
        same = summaries.get(series)
        summaries[series] = summary if same is None else same.merged(summary)
    return summaries
