"""Convert a timer's distribution to a classic histogram: counts up to a few bounds; pure."""

from __future__ import annotations

from itertools import accumulate

from zibrato.distribution import SCALE, Distribution

__all__ = ["BOUNDS", "cumulative"]

_FIRST, _LAST = -16, 8
BOUNDS = tuple(2.0**power for power in range(_FIRST, _LAST + 1))
"""Seconds, from 15 µs to 256 s; the same for all timers, so that they can be added up.

Powers of two are also bounds of Zibrato's buckets, so no measurement is counted on the wrong side
of a bound.
"""


def cumulative(distribution: Distribution) -> list[int]:
    """Return how many measurements are at most each of BOUNDS; `distribution` is in buckets."""
    counts = [0] * (len(BOUNDS) + 1)
    for index, count in distribution.buckets.items():
        power = -(-index >> SCALE)  # rounded up, because a bucket is named by its upper bound
        counts[min(max(power - _FIRST, 0), len(BOUNDS))] += count
    counts[0] += distribution.zeros
    return list(accumulate(counts[:-1]))
