"""Measurements of a name over a time, in the shapes of the API; pure but for `read`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from math import isnan
from typing import TypeVar

from zibrato.model import COUNTER, Series, Summary, Tags
from zibrato.store.api.requests import Content
from zibrato.store.api.responses import bad_parameter
from zibrato.store.api.selection import source_of, tags_of
from zibrato.store.api.time_range import TimeRange
from zibrato.store.db.codec import Row, merged_summary
from zibrato.store.db.metadata import COUNTER_TYPE, Metric
from zibrato.store.db.reader import Plot, Reader

ALL = "all"
SummaryFunction = Callable[[Summary], float]
SUMMARY_FUNCTIONS: Mapping[str, SummaryFunction] = {
    "average": lambda summary: summary.sum / summary.count if summary.count else 0.0,
    "mean": lambda summary: summary.sum / summary.count if summary.count else 0.0,
    "sum": lambda summary: summary.sum,
    "count": lambda summary: float(summary.count),
    "min": lambda summary: summary.min,
    "max": lambda summary: summary.max,
    "last": lambda summary: summary.reading,
}
"""What makes one value of a summary, by Librato's names."""
GROUP_FUNCTIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "average": lambda values: sum(values) / len(values),
    "mean": lambda values: sum(values) / len(values),
    "sum": sum,
    "min": min,
    "max": max,
    "count": lambda values: float(len(values)),
}
"""What makes one value of those of several streams, by Librato's names."""
Slots = dict[int, list[Row]]
T = TypeVar("T")


def read(reader: Reader, ids: Sequence[int], time_range: TimeRange, now: float) -> Plot:
    """Return the slots of the series over a time range."""
    return reader.slots(ids, time_range.start, time_range.end, now, time_range.step)


def summary_function(name: str | None, metric: Metric, kind: str) -> SummaryFunction:
    """Return what makes one value of a summary; where none is named, what fits the metric."""
    if name is None:
        name = _fitting(metric, kind)
    if name not in SUMMARY_FUNCTIONS:
        raise bad_parameter("summary_function", f"is none of {', '.join(SUMMARY_FUNCTIONS)}")
    return SUMMARY_FUNCTIONS[name]


def by_source(
    plot: Plot,
    series: Mapping[int, Series],
    metric: Metric,
    time_range: TimeRange,
    *,
    breakout: bool,
    summarize: bool,
) -> Content:
    """Return measurements by source where `breakout`, and of all together where `summarize`."""
    sources: dict[str, Slots] = defaultdict(lambda: defaultdict(list))
    for series_id, slots in plot.slots.items():
        for start, rows in slots.items():
            if breakout:
                sources[source_of(series[series_id])][start] += rows
            if summarize:
                sources[ALL][start] += rows
    kinds = {one.kind for one in series.values()}
    value = summary_function(None, metric, COUNTER if COUNTER in kinds else "")
    return {
        source: _newest([_entry(start, slots[start], value) for start in sorted(slots)], time_range)
        for source, slots in sources.items()
    }


def by_tags(
    plot: Plot,
    series: Mapping[int, Series],
    metric: Metric,
    time_range: TimeRange,
    function: str | None,
) -> list[Content]:
    """Return a stream of times and values for each source and set of tags that has any.

    Series of one set differ by kind or level; the kind of the first decides which function fits.
    """
    streams: dict[tuple[str, Tags], list[int]] = defaultdict(list)
    for series_id, slots in plot.slots.items():
        if slots:
            one = series[series_id]
            streams[one.source, one.tags].append(series_id)
    return [
        {
            "tags": dict(sorted(tags_of(series[ids[0]]).items())),
            "measurements": _newest(
                _values(plot, ids, summary_function(function, metric, series[ids[0]].kind)),
                time_range,
            ),
        }
        for ids in streams.values()
    ]


def grouped(
    streams: Sequence[Content], tags: Sequence[str], function: str | None, summed: bool
) -> list[Content]:
    """Return streams merged to one for each set of values of the `tags`."""
    name = function or ("sum" if summed else "average")
    if name not in GROUP_FUNCTIONS:
        raise bad_parameter("group_by_function", f"is none of {', '.join(GROUP_FUNCTIONS)}")
    groups: dict[tuple[str, ...], dict[int, list[float]]] = {}
    for stream in streams:
        group = tuple(stream["tags"].get(tag, "") for tag in tags)
        values = groups.setdefault(group, defaultdict(list))
        for measurement in stream["measurements"]:
            values[measurement["time"]].append(measurement["value"])
    return [
        {
            "tags": {tag: value for tag, value in zip(tags, group, strict=True) if value},
            "measurements": [
                {"time": time, "value": GROUP_FUNCTIONS[name](values[time])}
                for time in sorted(values)
            ],
        }
        for group, values in groups.items()
    ]


def _fitting(metric: Metric, kind: str) -> str:
    if metric.type == COUNTER_TYPE:  # a running total
        return "last"
    return "sum" if metric.summed or kind == COUNTER else "average"


def _values(plot: Plot, ids: Sequence[int], value: SummaryFunction) -> list[Content]:
    """Return time and value of all slots that any of the series has."""
    slots: Slots = defaultdict(list)
    for series_id in ids:
        for start, rows in plot.slots[series_id].items():
            slots[start] += rows
    return [
        {"time": start, "value": value(merged_summary(slots[start]))} for start in sorted(slots)
    ]


def _entry(start: int, rows: Sequence[Row], value: SummaryFunction) -> Content:
    summary = merged_summary(rows)
    entry = {
        "measure_time": start,
        "value": value(summary),
        "count": summary.count,
        "sum": summary.sum,
    }
    if rows[0][2] is not None:  # a counter has a count and a sum alone
        entry.update(min=summary.min, max=summary.max)
        entry.update(_known({"sum_squares": summary.sum_squares, "last": summary.last}))
    return entry


def _known(values: Mapping[str, float]) -> dict[str, float]:
    """Return the values but those that are NaN, which a client left out."""
    return {name: value for name, value in values.items() if not isnan(value)}


def _newest(entries: list[T], time_range: TimeRange) -> list[T]:
    return entries if time_range.newest is None else entries[-time_range.newest :]
