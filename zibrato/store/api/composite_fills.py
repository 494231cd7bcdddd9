"""The functions of Librato's composite language that fill gaps; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zibrato.store.api.composite_series import (
    CompositeSeries,
    Function,
    Options,
    Points,
    SeriesSet,
    number,
)

MAX_POINTS = 1_000_000
"""The most points that a query may read, and the most that one function may fill series up to."""
LAST = "last"


def _fill(options: Options) -> Function:
    """Return a function that gives each gap the option `value`, or the last value before it."""
    if options.get("value") == LAST:
        del options["value"]
        return _last_fill(options)
    if "value" not in options:
        raise ValueError('fill: expected a value, a number or last; write {value: "0"}')
    value = number(options, "value", "")
    return _filling(lambda series, gaps: {**series.points, **dict.fromkeys(gaps, value)})


def _zero_fill(_options: Options) -> Function:
    return _filling(lambda series, gaps: {**series.points, **dict.fromkeys(gaps, 0.0)})


def _last_fill(_options: Options) -> Function:
    return _filling(_repeated)


def _repeated(series: CompositeSeries, gaps: list[int]) -> Points:
    """Return the points, with the previous value at each gap; gaps before the first remain."""
    points: dict[int, float] = {}
    last: float | None = None
    for time in sorted([*series.points, *gaps]):
        last = series.points.get(time, last)
        if last is not None:
            points[time] = last
    return points


def _filling(fill: Callable[[CompositeSeries, list[int]], Points]) -> Function:
    def function(series_set: SeriesSet) -> SeriesSet:
        if sum(len(series.span or ()) for series in series_set) > MAX_POINTS:
            raise ValueError(
                f"fill would make more than {MAX_POINTS} points; "
                "ask for a shorter time, or a longer period"
            )
        return [series._replace(points=_in_order(fill(series, _gaps(series))))
                for series in series_set]  # fmt: skip

    return function


def _gaps(series: CompositeSeries) -> list[int]:
    """Return the starts of the periods that have no point."""
    if series.span is None:
        raise ValueError(
            f"fill: the period of {series.metric!r} is not known; give the metric one, "
            'or write s(..., {period: "60"})'
        )
    step = series.span.step
    measured = {time // step for time in series.points}
    return [start for start in series.span if start // step not in measured]


def _in_order(points: Points) -> Points:
    return {time: points[time] for time in sorted(points)}


FILLS: Mapping[str, Callable[[Options], Function]] = {
    "fill": _fill,
    "zero_fill": _zero_fill,
    "last_fill": _last_fill,
}
"""Makers of functions. Each removes the options that it knows; it raises ValueError."""
