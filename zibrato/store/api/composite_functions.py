"""The functions of Librato's composite language that change or combine series; pure.

A function takes a set of series and returns a set, as Librato's language specification says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, pairwise
from math import nan, prod

from zibrato.store.api.composite_choices import CHOICES
from zibrato.store.api.composite_fills import FILLS
from zibrato.store.api.composite_series import (
    WINDOW_STATISTICS,
    CompositeSeries,
    Function,
    Options,
    Points,
    SeriesSet,
    Statistic,
    choice,
    joined,
    mean,
    number,
    per_series,
)

MAX_SIZE = 64
"""Librato's largest window, in points."""


def _combining(combine: Statistic, complete: bool, count: int = 0) -> Function:
    """Return a function that combines a set of series to one; unless 0, `count` is its exact size.

    If `complete`, a time at which any series has no value is left out. As in Librato, sum and the
    like use the series that have a value, while a product or quotient of only some series would be
    wrong.
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
        return [joined(series_set, combined)]

    return function


def _by_time(series_set: SeriesSet) -> dict[int, list[float]]:
    values: dict[int, list[float]] = {}
    for series in series_set:
        for time, value in series.points.items():
            values.setdefault(time, []).append(value)
    return {time: values[time] for time in sorted(values)}


def _scale(options: Options) -> Function:
    factor = number(options, "factor", "1")
    return per_series(
        lambda series: {time: value * factor for time, value in series.points.items()}
    )


def _absolute(_options: Options) -> Function:
    return per_series(lambda series: {time: abs(value) for time, value in series.points.items()})


def _rate(options: Options) -> Function:
    """Return a function that converts values of a period to values of `duration` seconds."""
    duration = number(options, "duration", "1", 1e-9)
    return per_series(
        lambda series: {
            time: value / series.period * duration for time, value in series.points.items()
        }
    )


def _derive(options: Options) -> Function:
    """Return a function for differences between values; `detect_reset` leaves out decreases."""
    reset = choice(options, "detect_reset", "false", ("true", "false"))
    least = 0.0 if reset == "true" else -float("inf")
    return per_series(
        lambda series: {
            time: value - before
            for (_, before), (time, value) in pairwise(series.points.items())
            if value - before >= least
        }
    )


def _moving_average(options: Options) -> Function:
    return _moving(options, mean)


def _window(options: Options) -> Function:
    """Return a function that applies the option `function` to each `size` successive points."""
    return _moving(
        options, WINDOW_STATISTICS[choice(options, "function", "mean", WINDOW_STATISTICS)]
    )


def _moving(options: Options, statistic: Statistic) -> Function:
    """Return a function that makes one value of each `size` successive points by `statistic`."""
    size = int(number(options, "size", "1", 1, MAX_SIZE))

    def change(series: CompositeSeries) -> Points:
        times, values = [*series.points], [*series.points.values()]
        return {
            times[end - 1]: statistic(values[end - size : end])
            for end in range(size, len(times) + 1)
        }

    return per_series(change)


def _integrate(_options: Options) -> Function:
    """Return a function that makes running totals of values."""
    return per_series(
        lambda series: dict(zip(series.points, accumulate(series.points.values()), strict=True))
    )


def _quotient(two: Sequence[float]) -> float:
    return two[0] / two[1] if two[1] else nan  # values that aren't finite are left out


def _plain(function: Function) -> Callable[[Options], Function]:
    return lambda _options: function


FUNCTIONS: Mapping[str, Callable[[Options], Function]] = {
    "sum": _plain(_combining(sum, complete=False)),
    "mean": _plain(_combining(mean, complete=False)),
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
    "window": _window,
    "integrate": _integrate,
    **FILLS,
    **CHOICES,
}
"""Makers of functions. Each removes the options that it knows; it raises ValueError."""
