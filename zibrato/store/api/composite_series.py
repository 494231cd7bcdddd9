"""The data types of composite queries: sets of series, functions of sets, and options; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite, nan
from statistics import median
from typing import NamedTuple

from zibrato.model import Tags

ANY = "*"
Points = Mapping[int, float]
Options = dict[str, str]
Statistic = Callable[[Sequence[float]], float]


class CompositeSeries(NamedTuple):
    """Values by Unix second, in order, of a metric with tags; `period` is in seconds.

    For a combined series, tags are those that all series have in common; if their metrics differ,
    the metric is ANY. `span` has the starts of all periods in the query's time range, if the
    metric's period is known.
    """

    metric: str
    tags: Tags
    period: int
    points: Points
    span: range | None = None


SeriesSet = list[CompositeSeries]
Function = Callable[[SeriesSet], SeriesSet]


def mean(values: Sequence[float]) -> float:
    """Return the mean of values; there must be at least one."""
    return sum(values) / len(values)


STATISTICS: Mapping[str, Statistic] = {"mean": mean, "sum": sum, "min": min, "max": max}
"""Functions of all values of a series, by Librato's names."""
WINDOW_STATISTICS: Mapping[str, Statistic] = {**STATISTICS, "median": median}
"""Functions of successive values of a series, by Librato's names."""


def finite(points: Points) -> Points:
    """Return the points whose values are finite."""
    return {time: value for time, value in points.items() if isfinite(value)}


def per_series(change: Callable[[CompositeSeries], Points]) -> Function:
    """Return a function that changes each series on its own."""
    return lambda series_set: [
        series._replace(points=finite(change(series))) for series in series_set
    ]


def joined(series_set: SeriesSet, points: Points) -> CompositeSeries:
    """Return the series with these points, as combined from a set; its period is the longest."""
    longest = max(series_set, key=lambda series: series.period)
    metrics = {series.metric for series in series_set}
    tags = set.intersection(*(set(series.tags) for series in series_set))
    metric = metrics.pop() if len(metrics) == 1 else ANY
    return longest._replace(metric=metric, tags=tuple(sorted(tags)), points=finite(points))


def number(
    options: Options, name: str, default: str, low: float = -1e100, high: float = 1e100
) -> float:
    """Remove a number from the options and return it; raises ValueError."""
    text = options.pop(name, default)
    try:
        value = float(text)
    except ValueError:
        value = nan
    if not low <= value <= high:
        raise ValueError(f"{name}: expected a number from {low:g} to {high:g}, got {text!r}")
    return value


def choice(options: Options, name: str, default: str, among: Iterable[str]) -> str:
    """Remove one of several words from the options and return it; raises ValueError."""
    text = options.pop(name, default)
    if text not in among:
        raise ValueError(f"{name}: expected one of {', '.join(among)}, got {text!r}")
    return text
