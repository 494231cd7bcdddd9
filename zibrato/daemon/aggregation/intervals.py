"""Open intervals, and closed ones that are to become snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan
from typing import NamedTuple, cast

from zibrato.daemon.aggregation.accumulator import Accumulator
from zibrato.lines import LineBatch
from zibrato.model import GAUGE, SET, Series, Snapshot, Summary, SummaryRow, Tags
from zibrato.wire import Batch

MAX_AGE = 7200.0
"""The age in seconds up to which a batch keeps its own time: Librato accepts nothing older."""
MAX_SHIPPED_AGE = 8 * 86_400.0
"""The same for parts of other daemons' snapshots: by default an outbox keeps them for 7 days."""
MAX_SPAN = 60.0
"""The most seconds between a batch's start and end. Clients send every second, so in a longer
batch the clock was set."""
MAX_INTERVALS = 1000
"""The most intervals open at once: enough for `MAX_AGE` with intervals of the default length."""
Content = Batch | LineBatch | Sequence[SummaryRow]
"""What an interval can aggregate at once."""
RowIdentity = tuple[str, str, str, str | None, Tags]
"""What identifies a row: kind, name, level, source and tags, as they were received."""
_PART = 1000
"""The number of series whose accumulators are freed together."""


class OpenInterval:
    """The accumulators of an open interval, by series and by rows.

    `rows` is a cache that saves working out the series of a row. Its keys are the identities of
    rows, and the bytes by which they were sent. Different rows can mean the same series, such as
    those of level `warn` and `warning`, so `rows` has its own bound. `weight` is that of all
    series together.
    """

    __slots__ = ("entries", "rows", "weight")

    def __init__(self) -> None:
        self.weight = 0
        self.entries: dict[Series, Accumulator] = {}
        self.rows: dict[RowIdentity | bytes, Accumulator] = {}

    def remember(self, row: RowIdentity | bytes, entry: Accumulator) -> None:
        """Note that the identity or bytes `row` belong to `entry`."""
        if len(self.rows) < 2 * len(self.entries):
            self.rows[row] = entry


class Span(NamedTuple):
    """An open interval, its start and end; valid for batches that are added at the time `now`."""

    now: float
    start: float
    end: float
    interval: OpenInterval


NO_SPAN = Span(nan, inf, -inf, OpenInterval())


class ClosedInterval:
    """An interval that is closed; making its snapshot may take long, so it is done later."""

    __slots__ = ("_interval", "end", "start")

    def __init__(self, start: float, end: float, interval: OpenInterval) -> None:
        self.start = start
        self.end = end
        self._interval = interval

    @property
    def series(self) -> int:
        """The number of series."""
        return len(self._interval.entries)

    def snapshot(self) -> Snapshot:
        """Return the snapshot; call it once, from any thread."""
        interval, self._interval = self._interval, OpenInterval()
        return Snapshot(self.start, self.end, _summaries(interval))


def _summaries(interval: OpenInterval) -> dict[Series, Summary]:
    """Return the summary of each series, with sets turned into gauges; empties the interval.

    Accumulators are freed in parts. To free all at once would be one step of the interpreter, for
    which every thread has to wait. To free each as its summary is made would be no better: Python
    collects garbage once there are some hundred more objects than before, and that collection
    would go through the objects of all series in one step.
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
