"""What composite queries are of: sets of series, functions of them, and options; pure."""

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
    """Values by Unix second, in order, of a metric and its tags; `period` is in seconds.

    The tags are what all that it is made of has in common, and so is the metric, else it is ANY.
    `span` are the starts of all periods of the query's time, if the metric's period is known.
    """

    metric: str
    tags: Tags
    period: int
    points: Points
    span: range | None = None


SeriesSet = list[CompositeSeries]
Function = Callable[[SeriesSet], SeriesSet]


def mean(values: Sequence[float]) -> float:
    """Return the mean of some values, of which there is one at least."""
    return sum(values) / len(values)


STATISTICS: Mapping[str, Statistic] = {"mean": mean, "sum": sum, "min": min, "max": max}
"""What makes one number of all values of a series, by Librato's names."""
WINDOW_STATISTICS: Mapping[str, Statistic] = {**STATISTICS, "median": median}
"""What makes one number of some values of a series that follow one another."""


def finite(points: Points) -> Points:
    """Return the points but those whose value is no number any more."""
    return {time: value for time, value in points.items() if isfinite(value)}


def per_series(change: Callable[[CompositeSeries], Points]) -> Function:
    """Return what changes every series by itself."""
    return lambda series_set: [
        series._replace(points=finite(change(series))) for series in series_set
    ]


def joined(series_set: SeriesSet, points: Points) -> CompositeSeries:
    """Return the series that `points` are, made of all of a set; its period is the longest."""
    longest = max(series_set, key=lambda series: series.period)
    metrics = {series.metric for series in series_set}
    tags = set.intersection(*(set(series.tags) for series in series_set))
    metric = metrics.pop() if len(metrics) == 1 else ANY
    return longest._replace(metric=metric, tags=tuple(sorted(tags)), points=finite(points))


def number(
    options: Options, name: str, default: str, low: float = -1e100, high: float = 1e100
) -> float:
    """Take a number out of the options; raises ValueError."""
    text = options.pop(name, default)
    try:
        value = float(text)
    except ValueError:
        value = nan
    if not low <= value <= high:
        raise ValueError(f"{name}: expected a number from {low:g} to {high:g}, got {text!r}")
    return value


def choice(options: Options, name: str, default: str, among: Iterable[str]) -> str:
    """Take one of some words out of the options; raises ValueError."""
    text = options.pop(name, default)
    if text not in among:
        raise ValueError(f"{name}: expected one of {', '.join(among)}, got {text!r}")
    return text
