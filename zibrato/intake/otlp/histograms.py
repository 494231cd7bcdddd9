"""OTLP's histograms: their differences within a stream, and their conversion to summaries; pure.

An invalid histogram raises ValueError with a reason of one word.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf, isfinite
from typing import NamedTuple

from zibrato.intake.otlp.placement import Placement
from zibrato.model import MAX_EXACT_INT, Summary

MAX_BUCKETS = 8192
_BYTES = 200
_MIN_SCALE = -11  # at this scale one bucket has all floats above 1


class Extremes(NamedTuple):
    """The minimum and maximum of the measurements, if they are known.

    For a difference of two totals they are not `exact`: they are those of the later total, and
    only bounds for the measurements in between.
    """

    low: float | None = None
    high: float | None = None
    exact: bool = True

    def checked(self) -> Extremes:
        """Return self; raises ValueError if the values are impossible."""
        low = 0.0 if self.low is None else self.low
        high = inf if self.high is None else self.high
        if not 0 <= low <= high or (self.high is not None and not isfinite(high)):
            raise ValueError("value")
        return self

    def placement(self, factor: float) -> Placement:
        """Return a placement whose values are clamped to minimum and maximum."""
        return Placement(self.low or 0.0, inf if self.high is None else self.high, factor)

    def summary(self, placement: Placement, total: float | None) -> Summary:
        """Return the summary of a placement, with minimum and maximum if they are exact."""
        return (
            placement.summary(total, self.low, self.high)
            if self.exact
            else placement.summary(total)
        )


class ExplicitHistogram(NamedTuple):
    """Counts of measurements up to each of `bounds`, and above the last of them."""

    bounds: tuple[float, ...]
    counts: Sequence[int]
    total: float | None
    extremes: Extremes

    @classmethod
    def of(
        cls,
        bounds: Sequence[float],
        counts: Sequence[int],
        count: int,
        total: float | None,
        extremes: Extremes,
    ) -> ExplicitHistogram:
        """Return the histogram; raises ValueError. Without buckets it becomes a single bucket."""
        bounds, counts = tuple(bounds), counts or [count]
        if bounds and bounds[-1] == inf:
            raise ValueError("buckets")
        _check(len(counts), sum(counts), count, total)
        ascending = all(before < after for before, after in pairwise((-inf, *bounds, inf)))
        if len(counts) != len(bounds) + 1 or not ascending:
            raise ValueError("buckets")
        return cls(bounds, array("Q", counts), total, extremes.checked())

    @property
    def size(self) -> int:
        """Approximate bytes of memory."""
        return _BYTES + 40 * len(self.bounds)

    @property
    def measurements(self) -> int:
        """The number of measurements."""
        return sum(self.counts)

    def minus(self, earlier: ExplicitHistogram) -> ExplicitHistogram | None:
        """Return what was added after `earlier`; None if `earlier` is no part of this."""
        if self.bounds != earlier.bounds:
            raise ValueError("buckets")
        counts = [new - old for new, old in zip(self.counts, earlier.counts, strict=True)]
        if min(counts) < 0:
            return None
        total = _difference(self.total, earlier.total)
        return self._replace(counts=counts, total=total, extremes=_loose(self.extremes))

    def summary(self, factor: float) -> Summary:
        """Return the summary, with each value multiplied by `factor`.

        The count of a bucket is spread evenly over the bucket, so that a percentile is off by at
        most the bucket's width.
        """
        placement = self.extremes.placement(factor)
        first = min((0.0, *self.bounds[:1]))
        edges = (first, *self.bounds, self._end())
        for (low, high), count in zip(pairwise(edges), self.counts, strict=True):
            if count and (high < 0 or (low < 0 and self.extremes.low is None)):
                raise ValueError("value")  # timers can't be negative
            if count:
                placement.over(low, high, count)
        return self.extremes.summary(placement, self.total)

    def _end(self) -> float:
        """Return the upper end of the last bucket, which is the maximum if that is known.

        Otherwise the end equals the bucket's start; for a single bucket it is derived from the sum.
        """
        if self.extremes.high is not None:
            return self.extremes.high
        return self.bounds[-1] if self.bounds else 2 * (self.total or 0.0) / self.measurements


class Buckets(NamedTuple):
    """Counts of exponential buckets, each 2**(2**-scale) times as wide as the one before.

    `offset` is the index of the first bucket.
    """

    scale: int
    offset: int
    counts: Sequence[int]

    def filled(self) -> list[tuple[int, int]]:
        """Return index and count of each bucket that isn't empty."""
        return [(index, count) for index, count in enumerate(self.counts, self.offset) if count]


class Zeros(NamedTuple):
    """The number of measurements that were about 0: at most `threshold` away from it."""

    number: int
    threshold: float


class ExponentialHistogram(NamedTuple):
    """Counts of non-negative measurements in exponential buckets, for any range of values."""

    buckets: Buckets
    zeros: Zeros
    total: float | None
    extremes: Extremes

    @classmethod
    def of(
        cls,
        buckets: Buckets,
        zeros: Zeros,
        count: int,
        total: float | None,
        extremes: Extremes,
    ) -> ExponentialHistogram:
        """Return the histogram; raises ValueError."""
        counts = buckets.counts
        _check(len(counts), zeros.number + sum(counts), count, total)
        if buckets.scale < _MIN_SCALE or not 0 <= zeros.threshold < inf:
            raise ValueError("buckets")
        kept = buckets._replace(counts=array("Q", counts))
        return cls(kept, zeros, total, extremes.checked())

    @property
    def size(self) -> int:
        """Approximate bytes of memory."""
        return _BYTES + 8 * len(self.buckets.counts)

    @property
    def measurements(self) -> int:
        """The number of measurements."""
        return self.zeros.number + sum(self.buckets.counts)

    def minus(self, earlier: ExponentialHistogram) -> ExponentialHistogram | None:
        """Return what was added after `earlier`; None if `earlier` is no part of this.

        A stream's scale decreases as its range grows, so `earlier` may have finer buckets.
        """
        coarser = earlier.buckets.scale - self.buckets.scale
        if self.zeros.threshold != earlier.zeros.threshold or coarser < 0:
            raise ValueError("buckets")
        left = Counter(dict(self.buckets.filled()))
        for index, count in earlier.buckets.filled():
            left[index >> coarser] -= count
        zeros = self.zeros._replace(number=self.zeros.number - earlier.zeros.number)
        if zeros.number < 0 or any(count < 0 for count in left.values()):
            return None
        places = range(len(self.buckets.counts))
        counts = [left[self.buckets.offset + place] for place in places]
        return self._replace(
            buckets=self.buckets._replace(counts=counts),
            zeros=zeros,
            total=_difference(self.total, earlier.total),
            extremes=_loose(self.extremes),
        )

    def summary(self, factor: float) -> Summary:
        """Return the summary, with each value multiplied by `factor`.

        Buckets of Zibrato's scale or a finer one become Zibrato's, exactly if `factor` is 1.
        """
        placement = self.extremes.placement(factor)
        if self.zeros.number:
            placement.at(0.0, self.zeros.number)
        for index, count in self.buckets.filled():
            placement.in_bucket(index, self.buckets.scale, count)
        return self.extremes.summary(placement, self.total)


Histogram = ExplicitHistogram | ExponentialHistogram
FACTORS: Mapping[str, float] = {
    "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0, "d": 86400.0
}  # fmt: skip
"""Seconds of each unit of time, as UCUM writes it."""


def _check(buckets: int, counted: int, count: int, total: float | None) -> None:
    """Raise ValueError for a histogram that contradicts itself or exceeds a bound."""
    if count > MAX_EXACT_INT:
        raise ValueError("count")
    if counted != count or buckets > MAX_BUCKETS:
        raise ValueError("buckets")
    if total is not None and not 0 <= total < inf:
        raise ValueError("value")


def _difference(total: float | None, earlier: float | None) -> float | None:
    """Return the growth of a sum, at least 0: only rounding can make it negative."""
    return None if total is None or earlier is None else max(total - earlier, 0.0)


def _loose(extremes: Extremes) -> Extremes:
    return extremes._replace(exact=False)
