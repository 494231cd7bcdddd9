"""The tiers of the file: in which resolution measurements are kept, and how long; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from zibrato.store.db.keys import MAX_TIERS
from zibrato.unit_suffixes import SECONDS

RETENTION = "raw:2d,60s:2w,15m:90d,1h:365d,1d:3y"
LATE = 7200
"""Seconds for which measurements of an interval may still arrive; later ones cost more."""
MAX_SECONDS = 100 * SECONDS["y"]
_RAW_SPAN = 1200
"""Seconds of a chunk of the first tier."""
_POINTS = 240
"""Points of a chunk of any other tier."""


class Tier(NamedTuple):
    """A resolution, in seconds: a point for each `step`, kept for `keep`; a chunk spans `span`.

    A block of rows is compacted to chunks and rolled up to points of the next tier, `rollup_delay`
    seconds after the block's end.
    """

    step: int
    keep: int
    span: int
    rollup_delay: int


def parse_retention(text: str) -> tuple[Tier, ...]:
    """Parse tiers from a text such as `raw:2d,60s:2w,15m:90d`, finest first.

    Raises ValueError with one line for people.
    """
    pairs = [item.strip().partition(":") for item in text.split(",")]
    if pairs[0][0] != "raw" or len(pairs) > MAX_TIERS:
        raise ValueError(f"retention: expected raw:TIME first and at most 7, got {text!r}")
    steps = [1, *(_seconds(step, text) for step, _, _ in pairs[1:])]
    keeps = [_seconds(keep, text) for _, _, keep in pairs]
    for finer, coarser in pairwise(steps):
        if coarser % finer or coarser <= finer:
            raise ValueError(f"retention: expected each step a multiple of the last, got {text!r}")
    if sorted(keeps) != keeps:
        raise ValueError(f"retention: expected coarser steps to be kept longer, got {text!r}")
    return _tiers(steps, keeps)


def tier_index(tiers: Sequence[Tier], now: float, start: float, step: float) -> int:
    """Return the index of the tier for a query: the coarsest whose step is at most `step`.

    If that tier doesn't reach back to the Unix time `start`, use the finest tier that does.
    """
    index = max((i for i, tier in enumerate(tiers) if tier.step <= step), default=0)
    while index + 1 < len(tiers) and start < now - tiers[index].keep:
        index += 1
    return index


def _tiers(steps: Sequence[int], keeps: Sequence[int]) -> tuple[Tier, ...]:
    """Return the tiers; each is rolled up after the finer one, when it has all its points."""
    tiers = []
    delay = LATE
    for step, keep in zip(steps, keeps, strict=True):
        span = _RAW_SPAN if step == 1 else step * _POINTS
        tiers.append(Tier(step, keep, span, delay))
        delay += span
    return tuple(tiers)


def _seconds(text: str, whole: str) -> int:
    match = re.fullmatch(r"([0-9]{1,10})([smhdwy]?)", text.strip())
    seconds = int(match[1]) * SECONDS[match[2] or "s"] if match else 0
    if not 0 < seconds <= MAX_SECONDS:
        raise ValueError(
            "retention: expected times such as 60s, 15m, 1h, 2d, 2w or 1y, up to 100y, "
            f"got {whole[:200]!r}"
        )
    return seconds
