"""Translate snapshots to series with Prometheus's names, and count what can't be shown; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import NamedTuple

from zibrato.backends.prometheus.names import translated
from zibrato.model import Series, Snapshot, Summary

__all__ = ["MERGED", "Part", "Translation"]

MERGED = "merged with another series, whose name becomes the same"
"""The log's description of `merged`."""


class Part(NamedTuple):
    """The summary of a translated series in an interval, from `start` to `end` in Unix seconds."""

    series: Series
    summary: Summary
    start: float
    end: float


class Translation:
    """Translates snapshots, and counts measurements that don't arrive under their own names.

    `not_finite` counts those without a finite sum. `merged` counts, by their own names, those that
    arrive under the name of another series.
    """

    def __init__(self) -> None:
        self.not_finite = 0
        self.merged: Counter[str] = Counter()

    def parts(self, snapshots: Iterable[Snapshot]) -> Iterator[Part]:
        """Generate the parts; the counts are complete when the generator ends."""
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
