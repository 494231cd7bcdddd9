"""Measurements by source, in the format of /v1/metrics; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isnan
from typing import NamedTuple

from zibrato.model import COUNTER, Series, Summary, bounded
from zibrato.store.api.parameters import Parameters, first_values
from zibrato.store.api.requests import Content, flag
from zibrato.store.api.selection import source_of
from zibrato.store.api.time_range import TimeRange
from zibrato.store.api.time_series import (
    Slots,
    SummaryFunction,
    group_function,
    mean,
    summary_function,
)
from zibrato.store.db.codec import Row, merged_summary, row_of
from zibrato.store.db.metadata import COUNTER_TYPE, Metric
from zibrato.store.db.reader import Plot

ALL = "all"
SHAPE_PARAMETERS = {"breakout_sources", "summarize_sources", "summarize_time", "group_by"}
_GROUPED = ("value", "sum", "min", "max", "sum_squares", "last")


class Shape(NamedTuple):
    """How sources are shown: one by one, merged, each as a single record, or grouped."""

    breakout: bool = True
    merge: bool = False
    summarize_time: bool = False
    group_by: str | None = None


def shape_of(params: Parameters) -> Shape:
    """Return the shape that the parameters request; raises ApiError."""
    first = first_values(params)
    group_by = first.get("group_by")
    if group_by is not None:
        group_function("group_by", group_by)
    return Shape(
        breakout=flag(first, "breakout_sources", group_by is None),
        merge=flag(first, "summarize_sources", False),
        summarize_time=flag(first, "summarize_time", False),
        group_by=group_by,
    )


def by_source(
    plot: Plot, series: Mapping[int, Series], metric: Metric, time_range: TimeRange, shape: Shape
) -> Content:
    """Return the measurements of each source, or of all sources together, in a shape.

    For Librato's counter, summaries are those of its deltas, as if it were a gauge.
    """
    sources = _slots_by_source(plot, series)
    running = metric.type == COUNTER_TYPE
    deltas = {source: _deltas(slots) for source, slots in sources.items()} if running else sources
    kinds = {one.kind for one in series.values()}
    value = summary_function(None, metric, COUNTER if COUNTER in kinds else "")
    shown_value = mean if running else value
    merging = _Entries(plot, shown_value, time_range, shape.summarize_time)
    if running and not shape.summarize_time:
        shown = {source: _running(slots, time_range) for source, slots in sources.items()}
    else:
        shown = {source: merging.of(slots) for source, slots in deltas.items()}
    result: Content = dict(shown) if shape.breakout else {}
    if shape.group_by is not None:
        result[ALL] = _grouped([*shown.values()], shape.group_by)
    elif sources and (shape.merge or not shape.breakout):
        result[ALL] = merging.of(_joined([*deltas.values()]))
    return result


class _Entries(NamedTuple):
    """Makes measurements of slots: one for each slot, or one for all; stops if the query ends."""

    plot: Plot
    value: SummaryFunction
    time_range: TimeRange
    one_record: bool

    def of(self, slots: Slots) -> list[Content]:
        self.plot.raise_if_ended()
        starts = self.time_range.limited(sorted(slots))
        if not self.one_record:
            return [_entry(start, slots[start], self.value) for start in starts]
        rows = [row for start in starts for row in slots[start]]
        return [{**_entry(starts[0], rows, self.value), "rollups": len(starts)}] if rows else []


def _slots_by_source(plot: Plot, series: Mapping[int, Series]) -> dict[str, Slots]:
    sources: dict[str, dict[int, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for series_id, slots in plot.slots.items():
        for start, rows in slots.items():
            sources[source_of(series[series_id])][start] += rows
    return dict(sources)


def _joined(slots: Sequence[Slots]) -> Slots:
    joined: dict[int, list[Row]] = defaultdict(list)
    for one in slots:
        for start, rows in one.items():
            joined[start] += rows
    return joined


def _running(slots: Slots, time_range: TimeRange) -> list[Content]:
    """Return the readings of a counter, each with its difference from the previous one.

    The first reading has no difference. Neither has one that is less than the previous one, because
    the counter was reset.
    """
    entries = [_entry(start, slots[start], _last) for start in sorted(slots)]
    for before, entry in pairwise(entries):
        if entry["value"] >= before["value"]:
            entry["delta"] = entry["value"] - before["value"]
    return time_range.limited(entries)


def _deltas(slots: Slots) -> Slots:
    """Return the increments of a counter in each slot, as a gauge's rows."""
    values = [(start, _last(merged_summary(slots[start]))) for start in sorted(slots)]
    return {
        start: [row_of(Summary(1, delta, delta, delta, bounded(delta * delta), delta))]
        for (_, before), (start, value) in pairwise(values)
        if (delta := value - before) >= 0
    }


def _last(summary: Summary) -> float:
    return summary.reading


def _grouped(sources: Sequence[Sequence[Content]], name: str) -> list[Content]:
    """Return measurements whose numbers are a function of the numbers of all sources.

    `summarized` is the number of sources; `count` is the number of all samples.
    """
    function = group_function("group_by", name)
    times: dict[int, list[Content]] = defaultdict(list)
    for entries in sources:
        for entry in entries:
            times[entry["measure_time"]].append(entry)
    return [
        {
            "measure_time": time,
            **{
                key: function([entry[key] for entry in entries])
                for key in _GROUPED
                if all(key in entry for entry in entries)
            },
            "count": sum(entry["count"] for entry in entries),
            "summarized": len(entries),
        }
        for time, entries in sorted(times.items())
    ]


def _entry(start: int, rows: Sequence[Row], value: SummaryFunction) -> Content:
    summary = merged_summary(rows)
    entry = {
        "measure_time": start,
        "value": value(summary),
        "count": summary.count,
        "sum": summary.sum,
    }
    if rows[0][2] is not None:  # a counter has only a count and a sum
        entry.update(min=summary.min, max=summary.max)
        entry.update(_known({"sum_squares": summary.sum_squares, "last": summary.last}))
    return entry


def _known(values: Mapping[str, float]) -> dict[str, float]:
    """Return the values that aren't NaN; NaN is a value that a client left out."""
    return {name: value for name, value in values.items() if not isnan(value)}
