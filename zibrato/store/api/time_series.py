"""Measurements of a name over a time, in the shapes of the API; pure but for its reading."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zibrato.model import COUNTER, Series, Summary
from zibrato.store.api.requests import Content
from zibrato.store.api.responses import bad
from zibrato.store.api.submissions import UNASSIGNED
from zibrato.store.api.time_range import TimeRange
from zibrato.store.db.codec import Row, merged_summary
from zibrato.store.db.metadata import COUNTER_TYPE, Metric
from zibrato.store.db.reader import Plot, Reader

ALL = "all"
FUNCTIONS: Mapping[str, Callable[[Summary], float]] = {
    "average": lambda each: each.sum / each.count if each.count else 0.0,
    "mean": lambda each: each.sum / each.count if each.count else 0.0,
    "sum": lambda each: each.sum,
    "count": lambda each: float(each.count),
    "min": lambda each: each.min,
    "max": lambda each: each.max,
    "last": lambda each: each.last,
}
GROUPS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "average": lambda values: sum(values) / len(values),
    "mean": lambda values: sum(values) / len(values),
    "sum": sum,
    "min": min,
    "max": max,
    "count": lambda values: float(len(values)),
}
Slots = dict[int, list[Row]]


def function(name: str | None, metric: Metric, kind: str) -> Callable[[Summary], float]:
    """Return what makes one value of a summary; where none is named, what fits the metric."""
    if name is None:
        if metric.type == COUNTER_TYPE:
            name = "last"
        else:
            name = "sum" if metric.summed or kind == COUNTER else "average"
    if name not in FUNCTIONS:
        raise bad("summary_function", f"is none of {', '.join(FUNCTIONS)}")
    return FUNCTIONS[name]


def tags_of(series: Series) -> dict[str, str]:
    """Return the tags of a series, its source being one."""
    return {**dict(series.tags), **({"source": series.source} if series.source else {})}


def read(reader: Reader, numbers: Sequence[int], window: TimeRange, now: float) -> Plot:
    """Return the slots of the series over a window."""
    return reader.slots(numbers, window.start, window.end, now, window.step)


def by_source(
    plot: Plot, series: Mapping[int, Series], metric: Metric, window: TimeRange, *, breakout: bool,
    summarize: bool,
) -> Content:  # fmt: skip
    """Return measurements by source, and of all together where `summarize`."""
    sources: dict[str, Slots] = defaultdict(lambda: defaultdict(list))
    kinds = {each.kind for each in series.values()}
    value = function(None, metric, COUNTER if COUNTER in kinds else "")
    for number, slots in plot.slots.items():
        for start, rows in slots.items():
            if breakout:
                sources[series[number].source or UNASSIGNED][start] += rows
            if summarize:
                sources[ALL][start] += rows
    return {
        source: _latest([_entry(start, slots[start], value) for start in sorted(slots)], window)
        for source, slots in sources.items()
    }


def by_tags(
    plot: Plot, series: Mapping[int, Series], metric: Metric, window: TimeRange,
    summary_function: str | None,
) -> list[Content]:  # fmt: skip
    """Return a stream of times and values for each set of tags."""
    streams: dict[tuple[tuple[str, str], ...], dict[int, list[int]]] = {}
    for number in plot.slots:
        tags = tuple(sorted(tags_of(series[number]).items()))
        streams.setdefault(tags, {})[number] = []
    found = []
    for tags, numbers in streams.items():
        slots: Slots = defaultdict(list)
        for number in numbers:
            for start, rows in plot.slots[number].items():
                slots[start] += rows
        kind = series[next(iter(numbers))].kind
        value = function(summary_function, metric, kind)
        points = [
            {"time": start, "value": value(merged_summary(slots[start]))} for start in sorted(slots)
        ]
        if points:
            found.append({"tags": dict(tags), "measurements": _latest(points, window)})
    return found


def grouped(
    streams: Sequence[Content], names: Sequence[str], group_function: str | None, summed: bool
) -> list[Content]:
    """Return streams merged to one for each set of values of the tags `names`."""
    name = group_function or ("sum" if summed else "average")
    if name not in GROUPS:
        raise bad("group_by_function", f"is none of {', '.join(GROUPS)}")
    groups: dict[tuple[str, ...], dict[int, list[float]]] = {}
    for stream in streams:
        values = tuple(stream["tags"].get(tag, "") for tag in names)
        times = groups.setdefault(values, defaultdict(list))
        for point in stream["measurements"]:
            times[point["time"]].append(point["value"])
    return [
        {
            "tags": {tag: value for tag, value in zip(names, values, strict=True) if value},
            "measurements": [
                {"time": time, "value": GROUPS[name](times[time])} for time in sorted(times)
            ],
        }
        for values, times in groups.items()
    ]


def _entry(start: int, rows: Sequence[Row], value: Callable[[Summary], float]) -> Content:
    each = merged_summary(rows)
    entry = {"measure_time": start, "value": value(each), "count": each.count, "sum": each.sum}
    if rows[0][2] is not None:
        entry.update(min=each.min, max=each.max, sum_squares=each.sum_squares, last=each.last)
    return entry


def _latest(points: list[Any], window: TimeRange) -> list[Any]:
    return points if window.newest is None else points[-window.newest :]
