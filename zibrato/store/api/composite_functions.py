"""The functions of Librato's composite language that change or combine series; pure.

A function takes a set of series and returns one, as Librato's language specification has it.
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
"""Librato's bound of a window, in points."""


def _combining(combine: Statistic, complete: bool, count: int = 0) -> Function:
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
    """Return what makes values of a period values of `duration` seconds."""
    duration = number(options, "duration", "1", 1e-9)
    return per_series(
        lambda series: {
            time: value / series.period * duration for time, value in series.points.items()
        }
    )


def _derive(options: Options) -> Function:
    """Return what takes the value before from each; with `detect_reset`, no fall is kept."""
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
    """Return what makes one value of each `size` points, of the `function` of them."""
    return _moving(
        options, WINDOW_STATISTICS[choice(options, "function", "mean", WINDOW_STATISTICS)]
    )


def _moving(options: Options, statistic: Statistic) -> Function:
    """Return what makes one value of `size` points; the first `size` - 1 have none."""
    size = int(number(options, "size", "1", 1, MAX_SIZE))

    def change(series: CompositeSeries) -> Points:
        times, values = [*series.points], [*series.points.values()]
        return {
            times[end - 1]: statistic(values[end - size : end])
            for end in range(size, len(times) + 1)
        }

    return per_series(change)


def _integrate(_options: Options) -> Function:
    """Return what makes running totals of values."""
    return per_series(
        lambda series: dict(zip(series.points, accumulate(series.points.values()), strict=True))
    )


def _quotient(two: Sequence[float]) -> float:
    return two[0] / two[1] if two[1] else nan  # what is not finite is left out


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
"""Each takes the options it knows out of them; raises ValueError."""
