"""What the page draws: series over a time, alone and merged, and a timer's heat map; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp, log

import msgspec

from zibrato.distribution import SCALE, Distribution
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Summary
from zibrato.store.db.codec import merged_summary
from zibrato.store.db.reader import PERCENTILES, Plot

ROWS = 60
_LEAST = 1e-9
Column = list[float | None]


class Drawn(msgspec.Struct, omit_defaults=True):
    """Columns of a series, or of several merged, parallel to the times of the plot."""

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
    """How many samples there were between two bounds, in seconds, at each time."""

    bounds: list[float]
    counts: list[list[int]]


class Picture(msgspec.Struct):
    """All that is drawn of a plot."""

    resolution: int
    times: list[int]
    series: list[Drawn]
    merged: Drawn
    heat: Heat | None


def picture(plot: Plot, series: Mapping[int, Series]) -> Picture:
    """Return what is drawn of the series in a plot."""
    times = plot.times()
    kinds = {number: each.kind for number, each in series.items()}
    drawn = []
    summaries: list[Summary | None] = []
    for number, slots in plot.slots.items():
        summaries = [merged_summary(slots[t]) if t in slots else None for t in times]
        drawn.append(_drawn(summaries, kinds.get(number, GAUGE), number))
    kind = _kind(kinds.values())
    if len(drawn) == 1:
        merged, together = summaries, msgspec.structs.replace(drawn[0], id=None)
    else:
        merged = [plot.merged(t) for t in times]
        together = _drawn(merged, kind, None)
    heat = _heat([each for each in merged if each is not None]) if kind == TIMER else None
    return Picture(plot.step, times, drawn, together, heat)


def _kind(kinds: Iterable[str]) -> str:
    """Return the kind of several series merged."""
    found = set(kinds)
    if COUNTER in found:
        return COUNTER
    return TIMER if found == {TIMER} else GAUGE


def _drawn(summaries: Sequence[Summary | None], kind: str, number: int | None) -> Drawn:
    def column(name: str) -> Column:
        return [None if each is None else getattr(each, name) for each in summaries]

    empty: Column = [None] * len(summaries)
    if kind == COUNTER:
        return Drawn(column("count"), column("sum"), empty, empty, empty, id=number)
    least, most, last = column("min"), column("max"), column("last")
    drawn = Drawn(column("count"), column("sum"), least, most, last, id=number)
    if kind == TIMER:
        found = [_percentiles(each) for each in summaries]
        drawn.p50, drawn.p95, drawn.p99 = ([each[i] for each in found] for i in range(3))
    return drawn


def _percentiles(summary: Summary | None) -> Column:
    if summary is None or summary.distribution is None:
        return [None] * len(PERCENTILES)
    return [*summary.distribution.percentiles(PERCENTILES)]


def _heat(summaries: Sequence[Summary]) -> Heat | None:
    """Return the samples by size, in at most `ROWS` rows of one ratio."""
    found = [each.distribution or Distribution() for each in summaries]
    highs = [each.high for each in found if each.count]
    if not highs or not max(highs):
        return None
    low = max(min(each.low for each in found if each.count), max(highs) * _LEAST, _LEAST)
    span = max(log(max(highs) / low), 1e-6)
    rows = min(ROWS, max(1, int(span / log(1.02)) + 1))
    bounds = [low * exp(span * row / rows) for row in range(rows + 1)]
    bounds[-1] = max(highs)
    scale = _Scale(low, span, rows)
    return Heat(bounds, [_counts(each, scale) for each in found])


class _Scale(dict[int, int]):
    """The row of each bucket of a distribution, worked out when first asked for."""

    def __init__(self, low: float, span: float, rows: int) -> None:
        self.rows = rows
        self._low = low
        self._per_log = rows / span

    def __missing__(self, index: int) -> int:
        row = self[index] = self.row(2 ** ((index - 0.5) / (1 << SCALE)))
        return row

    def row(self, value: float) -> int:
        """Return the row of a value; what is below the first is in it, above the last too."""
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
