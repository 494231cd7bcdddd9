"""Represent a distribution by values that stand for several samples each; pure."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from zibrato.distribution import Distribution

__all__ = ["MAX_VALUES", "weighted_values"]

MAX_VALUES = 1000
"""About how many values represent a distribution that has more samples."""


def weighted_values(distribution: Distribution) -> Mapping[int, list[float]]:
    """Return the values by how many samples each stands for; together, they stand for all samples.

    Values of buckets have nearly equal weight, and each is from the middle of its share of the
    ranks, because the original statsd ignores the weights when it computes percentiles. The least
    and the greatest sample are included.
    """
    count = distribution.count
    if not count:
        return {}
    if distribution.samples is not None:
        return {1: distribution.samples.tolist()}
    most = min(MAX_VALUES, count)
    ends = [number * count // most for number in range(most + 1)]
    shares = list(pairwise(ends))
    percents = [100 * (start + end) / (2 * count) for start, end in shares]
    result: dict[int, list[float]] = {}
    for (start, end), value in zip(shares, distribution.percentiles(percents), strict=True):
        weight = end - start
        extremes = [distribution.low] * (start == 0) + [distribution.high] * (end == count)
        for extreme in extremes[:weight]:
            result.setdefault(1, []).append(extreme)
            weight -= 1
        if weight:
            result.setdefault(weight, []).append(value)
    return result
