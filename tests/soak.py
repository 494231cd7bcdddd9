"""The length of repetitive tests: short by default, full with `ZIBRATO_SOAK=1`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import product
from typing import TypeVar

T = TypeVar("T")
SHARE = float(os.environ.get("ZIBRATO_SOAK", "0.02"))
"""The share of the full length that is run."""


def rounds(whole: int) -> int:
    """Return how many of `whole` rounds to run; at least 3."""
    return max(3, round(whole * SHARE))


def examples(whole: int) -> int:
    """Return how many of `whole` examples hypothesis tries: a quarter if short, at least 10."""
    return whole if SHARE >= 1 else max(10, whole // 4)


def combinations(*factors: Sequence[object]) -> list[tuple[object, ...]]:
    """Return all combinations; in a short run, enough that each value is in at least one."""
    if SHARE >= 1:
        return list(product(*factors))
    longest = max(map(len, factors))
    return [tuple(values[index % len(values)] for values in factors) for index in range(longest)]


def some(values: Sequence[T], place: int) -> Sequence[T]:
    """Return the values to try at a place: in a short run a third, another third at the next."""
    return values if SHARE >= 1 else values[place % 3 :: 3]


def seconds(whole: float) -> float:
    """Return for how many of `whole` seconds to run; at least 3."""
    return max(3.0, whole * SHARE)
