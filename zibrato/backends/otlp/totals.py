"""What each series has come to since the start, for receivers that take running totals alone."""

from __future__ import annotations

from typing import NamedTuple

from zibrato.model import COUNTER, Series, Summary

__all__ = ["FORGOTTEN", "MAX_SERIES", "Total", "Totals"]

MAX_SERIES = 100_000
FORGOTTEN = 86_400.0
"""Seconds of silence, as intervals have it, after which a series begins anew."""


class Total(NamedTuple):
    """All of a series from the Unix time `start` on, the last of it in the interval of `seen`."""

    start: float
    seen: float
    summary: Summary
    is_monotonic: bool = True


class Totals:
    """Counters and timers added up. What was silent for longest is forgotten first."""

    def __init__(self) -> None:
        self._totals: dict[Series, Total] = {}

    def add(
        self, series: Series, summary: Summary, start: float, *, is_monotonic: bool = True
    ) -> Total:
        """Return the total with what the interval that began at `start` has of a series."""
        total = Total(start, start, summary, is_monotonic)
        before = self._totals.pop(series, None)
        if before is not None and start - before.seen < FORGOTTEN:
            total = Total(
                before.start,
                max(start, before.seen),
                _added(series.kind, before.summary, summary),
                is_monotonic and before.is_monotonic,
            )
        self._totals[series] = total
        if len(self._totals) > MAX_SERIES:
            del self._totals[next(iter(self._totals))]
        return total


def _added(kind: str, before: Summary, new: Summary) -> Summary:
    if kind == COUNTER:
        return Summary(before.count + new.count, before.sum + new.sum)
    return before.merged(new)
