"""The functions of Librato's composite language that choose among series; pure."""

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
    """Return what leaves `count` series, those of the highest or lowest `function` of all values.

    They are in the order of their ranks.
    """

    def make(options: Options) -> Function:
        count = int(number(options, "count", "1", 1))
        rank = _rank(options)

        def function(series_set: SeriesSet) -> SeriesSet:
            return sorted(_filled(series_set), key=rank, reverse=highest)[:count]

        return function

    return make


def _filter(options: Options) -> Function:
    """Return what leaves the series whose `function` of all values is within all of the bounds."""
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
    """Return what makes one number of a series: the `function` of all its values."""
    statistic = STATISTICS[choice(options, "function", "mean", STATISTICS)]
    return lambda series: statistic([*series.points.values()])


def _filled(series_set: SeriesSet) -> SeriesSet:
    return [series for series in series_set if series.points]


CHOICES: Mapping[str, Callable[[Options], Function]] = {
    "top": _ranked(highest=True),
    "bottom": _ranked(highest=False),
    "filter": _filter,
}
"""Each takes the options it knows out of them; raises ValueError."""
