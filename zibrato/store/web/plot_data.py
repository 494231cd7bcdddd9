"""What the page draws: series over time, single and merged, and a timer's heat map; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, log

import msgspec

from zibrato.distribution import SCALE, Distribution
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Summary
from zibrato.store.db.codec import merged_summary
from zibrato.store.db.reader import PERCENTILES, Plot

ROWS = 60
"""The most rows of a heat map."""
_MIN_VALUE = 1e-9
"""In seconds, and as a share of the longest; smaller values and zeros are in the first row."""
_MIN_RATIO = 1.02
"""The least ratio of a row's bounds: the buckets of a distribution can't tell more apart."""
Column = list[float | None]


class SeriesData(msgspec.Struct, omit_defaults=True):
    """The columns of a series, or of several merged ones, parallel to the times of the plot."""

    count: Column
    sum: Column
    min: Column
    max: Column
    last: Column
    p50: Column | None = None
    p95: Column | None = None
    p99: Column | None = None
    id: int | None = None


class Heat(msgspec.Struct):
    """How many samples each row has at each time; rows are bounded in seconds."""

    bounds: list[float]
    counts: list[list[int]]


class PlotData(msgspec.Struct):
    """Everything that the page draws in a plot."""

    resolution: int
    times: list[int]
    series: list[SeriesData]
    merged: SeriesData
    heat: Heat | None
    running: bool = False
    """Whether these are running totals: then sums are increments, and None isn't 0."""


def plot_data(plot: Plot, series: Mapping[int, Series]) -> PlotData:
    """Return what the page draws of the series in a plot."""
    times = plot.times()
    columns = []
    summaries: list[Summary | None] = []
    for series_id, slots in plot.slots.items():
        plot.raise_if_ended()
        summaries = [merged_summary(slots[time]) if time in slots else None for time in times]
        columns.append(_series_data(summaries, series[series_id].kind, series_id))
    kind = _kind({one.kind for one in series.values()})
    if len(columns) == 1:  # a single series, the most frequent query, needs no merging
        merged, merged_columns = summaries, msgspec.structs.replace(columns[0], id=None)
    else:
        merged = [plot.merged(time) for time in times]
        merged_columns = _series_data(merged, kind, None)
    heat = _heat([summary for summary in merged if summary is not None]) if kind == TIMER else None
    return PlotData(plot.step, times, columns, merged_columns, heat)


def _kind(kinds: set[str]) -> str:
    """Return the kind under which merged series are drawn, by what all of them have."""
    if COUNTER in kinds:
        return COUNTER
    return TIMER if kinds == {TIMER} else GAUGE


def _series_data(
    summaries: Sequence[Summary | None], kind: str, series_id: int | None
) -> SeriesData:
    def column(name: str) -> Column:
        return [None if summary is None else getattr(summary, name) for summary in summaries]

    empty: Column = [None] * len(summaries)
    if kind == COUNTER:
        return SeriesData(column("count"), column("sum"), empty, empty, empty, id=series_id)
    least, most, last = column("min"), column("max"), column("reading")
    data = SeriesData(column("count"), column("sum"), least, most, last, id=series_id)
    if kind == TIMER:
        percentiles = [_percentiles(summary) for summary in summaries]
        data.p50, data.p95, data.p99 = ([row[i] for row in percentiles] for i in range(3))
    return data


def _percentiles(summary: Summary | None) -> Column:
    if summary is None or summary.distribution is None:
        return [None] * len(PERCENTILES)
    return [*summary.distribution.percentiles(PERCENTILES)]


def _heat(summaries: Sequence[Summary]) -> Heat | None:
    """Return the samples by size, in at most `ROWS` rows whose bounds have one ratio."""
    distributions = [summary.distribution or Distribution() for summary in summaries]
    filled = [distribution for distribution in distributions if distribution.count]
    high = max((distribution.high for distribution in filled), default=0.0)
    if not high:
        return None
    low = max(min(distribution.low for distribution in filled), high * _MIN_VALUE, _MIN_VALUE)
    span = max(log(high / low), 1e-6)  # a single value has a row, too
    rows = min(ROWS, int(span / log(_MIN_RATIO)) + 1)
    bounds = [low * exp(span * row / rows) for row in range(rows)] + [max(high, low)]
    scale = _Scale(low, span, rows)
    return Heat(bounds, [_counts(distribution, scale) for distribution in distributions])


class _Scale(dict[int, int]):
    """The row of each bucket of a distribution, computed on first use."""

    def __init__(self, low: float, span: float, rows: int) -> None:
        self.rows = rows
        self._low = low
        self._per_log = rows / span

    def __missing__(self, index: int) -> int:
        middle = 2 ** ((index - 0.5) / (1 << SCALE))  # of its bounds, on a logarithmic scale
        row = self[index] = self.row(middle)
        return row

    def row(self, value: float) -> int:
        """Return the row of a value; values outside the scale are in the first or the last row."""
        if value <= self._low:
            return 0
        return min(int(log(value / self._low) * self._per_log), self.rows - 1)


def _counts(distribution: Distribution, scale: _Scale) -> list[int]:
    """Return how many samples fall in each row."""
    counts = [0] * scale.rows
    if distribution.samples is not None:
        for value in distribution.samples:
            counts[scale.row(value)] += 1
    else:
        counts[0] += distribution.zeros
        for index, count in distribution.buckets.items():
            counts[scale[index]] += count
    return counts
