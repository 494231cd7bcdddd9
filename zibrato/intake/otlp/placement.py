"""Places the counts of OTLP's buckets in buckets of Zibrato's distributions; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from math import inf

from zibrato.distribution import SCALE, Distribution, bucket_of, representative
from zibrato.model import Summary, bounded

SLOTS = 16
"""The most places over which the count of a bucket is spread that is wider than Zibrato's."""
_LOWEST, _HIGHEST = -1074 << SCALE, 1024 << SCALE
"""Zibrato's buckets of the smallest and the largest float."""


class Placement:
    """Collects counts of measurements at values or in buckets, and makes a summary of them.

    Values are clamped to `low` and `high`, which are in the unit of the received histogram.
    `factor` converts its values to seconds. Raises ValueError for values that exceed all floats.
    """

    def __init__(self, low: float, high: float, factor: float) -> None:
        self._low = max(low, 0.0)
        self._high = high
        self._first = bucket_of(low) if low > 0 else _LOWEST
        self._last = _HIGHEST if high == inf else bucket_of(high) if high > 0 else _LOWEST
        self._factor = factor
        self._buckets: defaultdict[int, int] = defaultdict(int)
        self._zeros = 0
        self._sum = 0.0
        self._squares = 0.0
        self._least = inf
        self._most = 0.0

    def at(self, value: float, count: int) -> None:
        """Place `count` measurements of about `value`."""
        value = min(max(value, self._low), self._high) * self._factor
        self._place(_bucket_of(value), value, count)

    def over(self, low: float, high: float, count: int) -> None:
        """Spread `count` measurements evenly from `low` to `high`."""
        low = min(max(low, self._low), self._high)
        high = max(min(high, self._high), low)
        self._put(_spread(low, high, self._factor, min(count, SLOTS)), count)

    def in_bucket(self, index: int, scale: int, count: int) -> None:
        """Place `count` measurements that are in bucket `index` of an exponential histogram.

        The bucket begins at 2**(index/2**scale). At Zibrato's scale or a finer one, it lies within
        one of Zibrato's buckets. At a coarser scale the count is spread over several buckets.
        """
        if scale >= SCALE:
            first = last = (index >> (scale - SCALE)) + 1
        else:
            width = 1 << (SCALE - scale)
            start, end = index * width, (index + 1) * width
            if start >= _HIGHEST or end < _LOWEST:
                raise ValueError("buckets")
            last = min(end, self._last)
            first = min(max(start + 1, self._first), last)
        slots = min(count, SLOTS, last - first + 1)
        if self._first < first and last < self._last:
            self._put(_spread_over(first, last, self._factor, slots), count)
            return
        for place, share in zip(_indices(first, last, slots), _shares(count, slots), strict=True):
            self._in_ours(place, share)

    def summary(
        self, total: float | None, least: float | None = None, most: float | None = None
    ) -> Summary:
        """Return the summary; by default sum, minimum and maximum are those of placed values."""
        count = self._zeros + sum(self._buckets.values())
        low = self._least if least is None else bounded(least * self._factor)
        high = self._most if most is None else bounded(most * self._factor)
        whole = self._sum if total is None else total * self._factor
        distribution = Distribution.of_buckets(self._buckets, self._zeros, low, high)
        mean = bounded(whole) / count
        return Summary(count, bounded(whole), low, high, bounded(self._squares), mean, distribution)

    def _put(self, places: Sequence[tuple[int | None, float]], count: int) -> None:
        """Share `count` evenly among places, which are values with their buckets."""
        buckets = self._buckets
        for (index, value), share in zip(places, _shares(count, len(places)), strict=True):
            if index is None:
                self._zeros += share
            else:
                buckets[index] += share
            self._sum += value * share
            self._squares += value * value * share
        self._least = min(self._least, places[0][1])
        self._most = max(self._most, places[-1][1])

    def _in_ours(self, index: int, count: int) -> None:
        if self._factor != 1:
            self.at(representative(_within(index)), count)
        else:
            value = min(max(representative(_within(index)), self._low), self._high)
            self._place(index, value, count)

    def _place(self, index: int | None, value: float, count: int) -> None:
        if index is None:
            self._zeros += count
        else:
            self._buckets[_within(index)] += count
        self._sum += value * count
        self._squares += value * value * count
        self._least, self._most = min(self._least, value), max(self._most, value)


# Each request has the same buckets of a stream again, and streams mostly have equal buckets.
@lru_cache(4096)
def _spread(
    low: float, high: float, factor: float, slots: int
) -> Sequence[tuple[int | None, float]]:
    """Return `slots` values from `low` to `high`, times `factor`, each with its bucket."""
    values = [(low + (high - low) * (slot + 0.5) / slots) * factor for slot in range(slots)]
    return [(_bucket_of(value), value) for value in values]


@lru_cache(4096)
def _spread_over(
    first: int, last: int, factor: float, slots: int
) -> Sequence[tuple[int | None, float]]:
    """Return the same for Zibrato's buckets from `first` to `last`."""
    indices = _indices(first, last, slots)
    values = [representative(_within(index)) * factor for index in indices]
    if factor == 1:
        return [*zip(indices, values, strict=True)]
    return [(_bucket_of(value), value) for value in values]


def _bucket_of(value: float) -> int | None:
    """Return the index of a value's bucket; None for 0. Raises ValueError for infinity."""
    if value == inf:
        raise ValueError("value")
    return bucket_of(value) if value else None


def _within(index: int) -> int:
    """Return `index`; raises ValueError if no float can be in that bucket."""
    if not _LOWEST <= index <= _HIGHEST:
        raise ValueError("buckets")
    return index


def _indices(first: int, last: int, slots: int) -> Sequence[int]:
    """Return the middles of equal parts of the buckets from `first` to `last`."""
    return [first + int((slot + 0.5) / slots * (last - first + 1)) for slot in range(slots)]


def _shares(count: int, slots: int) -> Sequence[int]:
    """Split `count` evenly."""
    ends = [slot * count // slots for slot in range(slots + 1)]
    return [end - begun for begun, end in pairwise(ends)]
