"""The functions of Librato's composite language that select series; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import ge, gt, le, lt

from zibrato.store.api.composite_series import (
    STATISTICS,
    CompositeSeries,
    Function,
    Options,
    SeriesSet,
    choice,
    number,
)

_BOUNDS: Mapping[str, Callable[[float, float], bool]] = {"gt": gt, "gte": ge, "lt": lt, "lte": le}
Rank = Callable[[CompositeSeries], float]


def _ranked(highest: bool) -> Callable[[Options], Function]:
    """Return a function that selects the `count` series with the highest or lowest rank, in order.

    The rank of a series is the option `function` of all of its values.
    """

    def make(options: Options) -> Function:
        count = int(number(options, "count", "1", 1))
        rank = _rank(options)

        def function(series_set: SeriesSet) -> SeriesSet:
            return sorted(_filled(series_set), key=rank, reverse=highest)[:count]

        return function

    return make


def _filter(options: Options) -> Function:
    """Return a function that selects series by bounds, for the `function` of all their values."""
    rank = _rank(options)
    bounds = [
        (within, number(options, name, "")) for name, within in _BOUNDS.items() if name in options
    ]
    if not bounds:
        raise ValueError(f"filter: expected a bound, one of {', '.join(_BOUNDS)}; write {{gt: 0}}")
    return lambda series_set: [
        series
        for series in _filled(series_set)
        for value in [rank(series)]
        if all(within(value, bound) for within, bound in bounds)
    ]


def _rank(options: Options) -> Rank:
    """Return a function that ranks a series: by the option `function` of all its values."""
    statistic = STATISTICS[choice(options, "function", "mean", STATISTICS)]
    return lambda series: statistic([*series.points.values()])


def _filled(series_set: SeriesSet) -> SeriesSet:
    return [series for series in series_set if series.points]


CHOICES: Mapping[str, Callable[[Options], Function]] = {
    "top": _ranked(highest=True),
    "bottom": _ranked(highest=False),
    "filter": _filter,
}
"""Makers of functions. Each removes the options that it knows; it raises ValueError."""
