"""Snapshots by what their series are called in Prometheus, and what else becomes of them; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import NamedTuple

from zibrato.backends.prometheus.names import translated
from zibrato.model import Series, Snapshot, Summary

__all__ = ["MERGED", "Part", "Translation"]

MERGED = "merged with another series, whose name becomes the same"
"""What the log says of `merged`."""


class Part(NamedTuple):
    """What an interval, from `start` to `end` in Unix seconds, has of a translated series."""

    series: Series
    summary: Summary
    start: float
    end: float


class Translation:
    """Translates snapshots, and counts those of their measurements that arrive otherwise.

    `not_finite` have no finite sum, and `merged`, by their own names, arrive under the name of
    another series.
    """

    def __init__(self) -> None:
        self.not_finite = 0
        self.merged: Counter[str] = Counter()

    def parts(self, snapshots: Iterable[Snapshot]) -> Iterator[Part]:
        """Generate the parts; what was counted is known in full at the end."""
        for start, end, summaries in snapshots:
            called: dict[Series, Series] = {}
            for series, summary in summaries.items():
                if not isfinite(summary.sum):
                    self.not_finite += summary.count
                    continue
                name = translated(series)
                if called.setdefault(name, series) != series:
                    self.merged[series.name] += summary.count
                yield Part(name, summary, start, end)
