"""The functions of Librato's composite language; pure.

A function takes a set of series and returns one, as Librato's language specification has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from math import isfinite, nan, prod
from typing import NamedTuple

from zibrato.store.api.requests import Content

ANY = "*"
MAX_SIZE = 64
"""Librato's bound of a moving average, in points."""
Points = Mapping[int, float]
Options = dict[str, str]


class CompositeSeries(NamedTuple):
    """Values by Unix second, in order, of a metric and a source; `period` is in seconds.

    A name that is not the same in all that a series is made of is ANY.
    """

    metric: str
    source: str
    period: int
    points: Points


SeriesSet = list[CompositeSeries]
Function = Callable[[SeriesSet], SeriesSet]


def points(entries: Iterable[Content], function: str | None) -> Points:
    """Return the values of a source's measurements; what a counter hasn't got is left out."""
    if function == "mean":
        return {entry["measure_time"]: entry["sum"] / entry["count"] for entry in entries
                if entry["count"]}  # fmt: skip
    key = function or "value"
    return {entry["measure_time"]: entry[key] for entry in entries if key in entry}


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


def _combining(
    combine: Callable[[Sequence[float]], float], complete: bool, count: int = 0
) -> Function:
    """Return what makes one series of all; of `count` series exactly, if that isn't 0.

    Where `complete`, a time at which a series has no value is left out. As Librato has it, sum
    and the like make do with the series that have one, while a product or a quotient of some of
    them would be another one.
    """

    def function(series_set: SeriesSet) -> SeriesSet:
        if not series_set or (count and len(series_set) != count):
            return []
        enough = len(series_set) if complete else 1
        combined = {
            time: combine(values)
            for time, values in _by_time(series_set).items()
            if len(values) >= enough
        }
        return [_joined(series_set, combined)]

    return function


def _by_time(series_set: SeriesSet) -> dict[int, list[float]]:
    values: dict[int, list[float]] = {}
    for series in series_set:
        for time, value in series.points.items():
            values.setdefault(time, []).append(value)
    return {time: values[time] for time in sorted(values)}


def _joined(series_set: SeriesSet, points: Points) -> CompositeSeries:
    period = max(series.period for series in series_set)
    metric = _common(series.metric for series in series_set)
    source = _common(series.source for series in series_set)
    return CompositeSeries(metric, source, period, _finite(points))


def _common(names: Iterable[str]) -> str:
    first, *others = set(names)
    return ANY if others else first


def _finite(points: Points) -> Points:
    return {time: value for time, value in points.items() if isfinite(value)}


def _per_series(change: Callable[[CompositeSeries], Points]) -> Function:
    """Return what changes every series by itself."""
    return lambda series_set: [
        series._replace(points=_finite(change(series))) for series in series_set
    ]


def _scale(options: Options) -> Function:
    factor = number(options, "factor", "1")
    return _per_series(
        lambda series: {time: value * factor for time, value in series.points.items()}
    )


def _absolute(_options: Options) -> Function:
    return _per_series(lambda series: {time: abs(value) for time, value in series.points.items()})


def _rate(options: Options) -> Function:
    """Return what makes values of a period values of `duration` seconds."""
    duration = number(options, "duration", "1", 1e-9)
    return _per_series(
        lambda series: {
            time: value / series.period * duration for time, value in series.points.items()
        }
    )


def _derive(options: Options) -> Function:
    """Return what takes the value before from each; with `detect_reset`, no fall is kept."""
    reset = options.pop("detect_reset", "false")
    if reset not in {"true", "false"}:
        raise ValueError(f"detect_reset: expected true or false, got {reset!r}")
    least = 0.0 if reset == "true" else -float("inf")
    return _per_series(
        lambda series: {
            time: value - before
            for (_, before), (time, value) in pairwise(series.points.items())
            if value - before >= least
        }
    )


def _moving_average(options: Options) -> Function:
    """Return what makes means of `size` points; the first `size` - 1 have none."""
    size = int(number(options, "size", "1", 1, MAX_SIZE))

    def change(series: CompositeSeries) -> Points:
        times, values = [*series.points], [*series.points.values()]
        return {times[end - 1]: sum(values[end - size : end]) / size
                for end in range(size, len(times) + 1)}  # fmt: skip

    return _per_series(change)


def _integrate(_options: Options) -> Function:
    """Return what makes running totals of values."""
    return _per_series(
        lambda series: dict(zip(series.points, accumulate(series.points.values()), strict=True))
    )


def _ranked(highest: bool) -> Callable[[Options], Function]:
    """Return what leaves `count` series, those of the highest or lowest `function` of all values.

    They are in the order of their ranks.
    """

    def make(options: Options) -> Function:
        count = int(number(options, "count", "1", 1))
        name = options.pop("function", "mean")
        if name not in _RANKS:
            raise ValueError(f"function: expected one of {', '.join(_RANKS)}, got {name!r}")

        def function(series_set: SeriesSet) -> SeriesSet:
            filled = [series for series in series_set if series.points]
            rank = _RANKS[name]
            filled.sort(key=lambda series: rank([*series.points.values()]), reverse=highest)
            return filled[:count]

        return function

    return make


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


_RANKS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "mean": _mean,
    "sum": sum,
    "min": min,
    "max": max,
}


def _quotient(two: Sequence[float]) -> float:
    return two[0] / two[1] if two[1] else nan  # what is not finite is left out


def _plain(function: Function) -> Callable[[Options], Function]:
    return lambda _options: function


FUNCTIONS: Mapping[str, Callable[[Options], Function]] = {
    "sum": _plain(_combining(sum, complete=False)),
    "mean": _plain(_combining(lambda values: sum(values) / len(values), complete=False)),
    "min": _plain(_combining(min, complete=False)),
    "max": _plain(_combining(max, complete=False)),
    "multiply": _plain(_combining(prod, complete=True)),
    "divide": _plain(_combining(_quotient, complete=True, count=2)),
    "subtract": _plain(_combining(lambda two: two[0] - two[1], complete=True, count=2)),
    "scale": _scale,
    "rate": _rate,
    "derive": _derive,
    "abs": _absolute,
    "moving_average": _moving_average,
    "integrate": _integrate,
    "top": _ranked(highest=True),
    "bottom": _ranked(highest=False),
}
"""Each takes the options it knows out of them; raises ValueError."""
