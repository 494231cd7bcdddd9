"""Measurements by tags, in the format of /v1/measurements: streams of times and values; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import isnan

from zibrato.model import COUNTER, Series, Summary, Tags
from zibrato.store.api.requests import Content
from zibrato.store.api.selection import tags_of
from zibrato.store.api.time_range import TimeRange
from zibrato.store.api.time_series import (
    SUMMARY_FUNCTIONS,
    group_function,
    mean,
    summary_function,
)
from zibrato.store.db.codec import Row, merged_summary
from zibrato.store.db.metadata import Metric
from zibrato.store.db.reader import Plot

EVERY = "all"
"""The function whose response has everything that is known of a summary."""
DERIVATIVE = "derivative"
_ALL_NAMES = ("sum", "min", "max", "last", "stddev")
_Summaries = list[tuple[int, Summary]]


def by_tags(
    plot: Plot,
    series: Mapping[int, Series],
    metric: Metric,
    time_range: TimeRange,
    function: str | None,
) -> list[Content]:
    """Return a stream of times and values for each source and set of tags that has any.

    Streams are sorted by their tags. Series with the same tags differ by kind or level; the kind of
    the first one decides which function is the default.
    """
    streams: dict[tuple[str, Tags], list[int]] = defaultdict(list)
    for series_id, slots in plot.slots.items():
        if slots:
            one = series[series_id]
            streams[one.source, one.tags].append(series_id)
    result: list[Content] = []
    for ids in streams.values():
        first = series[ids[0]]
        measured = _measured(function, metric, first.kind)(_summaries(plot, ids))
        tags = dict(sorted(tags_of(first).items()))
        result.append({"tags": tags, "measurements": time_range.limited(measured)})
    return sorted(result, key=_tags_in_order)


def grouped(streams: Sequence[Content], tags: Sequence[str], function: str | None) -> list[Content]:
    """Merge streams to one for each combination of values of `tags`, or to one for `*`.

    Streams that don't have all of these tags are left out.
    """
    name = function or "average"
    combine = group_function("group_by_function", name)
    if list(tags) == ["*"]:
        tags = ()
    groups: dict[tuple[str, ...], dict[int, list[float]]] = {}
    for stream in streams:
        if all(tag in stream["tags"] for tag in tags):
            group = tuple(stream["tags"][tag] for tag in tags)
            values = groups.setdefault(group, defaultdict(list))
            for measurement in stream["measurements"]:
                values[measurement["time"]].append(measurement["value"])
    return [
        {
            "tags": dict(zip(tags, group, strict=True)),
            "measurements": [
                {"time": time, "value": combine(values[time])} for time in sorted(values)
            ],
        }
        for group, values in groups.items()
    ]


def _measured(
    function: str | None, metric: Metric, kind: str
) -> Callable[[_Summaries], list[Content]]:
    """Return a function that makes measurements of a stream's summaries; raises ApiError."""
    if function == EVERY:
        return lambda summaries: [_all(time, summary, kind) for time, summary in summaries]
    if function == DERIVATIVE:
        return _derivative
    value = summary_function(function, metric, kind)
    return lambda summaries: [
        {"time": time, "value": number}
        for time, summary in summaries
        if not isnan(number := value(summary))
    ]


def _all(time: int, summary: Summary, kind: str) -> Content:
    """Return everything that is known of a summary; for a counter, only count and sum."""
    names = _ALL_NAMES[:1] if kind == COUNTER else _ALL_NAMES
    values = {name: SUMMARY_FUNCTIONS[name](summary) for name in names}
    known = {name: value for name, value in values.items() if not isnan(value)}
    return {"time": time, "value": mean(summary), "count": summary.count, **known}


def _derivative(summaries: _Summaries) -> list[Content]:
    """Return the difference of each last value from the previous one."""
    return [
        {"time": time, "value": summary.reading - before.reading}
        for (_, before), (time, summary) in pairwise(summaries)
    ]


def _summaries(plot: Plot, ids: Sequence[int]) -> _Summaries:
    """Return time and summary of all slots that any of the series has, oldest first."""
    plot.raise_if_ended()
    slots: dict[int, list[Row]] = defaultdict(list)
    for series_id in ids:
        for start, rows in plot.slots[series_id].items():
            slots[start] += rows
    return [(start, merged_summary(slots[start])) for start in sorted(slots)]


def _tags_in_order(stream: Content) -> list[tuple[str, str]]:
    return sorted(stream["tags"].items())
