"""Where a measurement lies in the file: resolutions, blocks and keys; pure.

Rows and chunks are keyed by (level, start, series), level 0 last: what is flushed is appended
at the end of the tree, what is old lies together to be deleted, and a series is found by one
seek for each start. A level is the position of its resolution, 0 for what is kept as flushed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

SERIES_BITS = 27
START_BITS = 33
MAX_LEVELS = 7
RETENTION = "raw:2d,60s:2w,15m:90d,1h:365d,1d:3y"
LATE = 7200
"""Seconds in which measurements may still arrive for an interval; older ones cost more."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_RAW_SPAN = 1200
_POINTS = 240
_SERIES_MASK = (1 << SERIES_BITS) - 1
_START_MASK = (1 << START_BITS) - 1


class Tier(NamedTuple):
    """One level, all in seconds: a point for each `step`, kept for `keep`, `span` to a chunk.

    Rows become chunks, and points of the next level, once their block is `settled` seconds past.
    """

    step: int
    keep: int
    span: int
    settled: int


def parse_retention(text: str) -> tuple[Tier, ...]:
    """Return the levels of a text such as `raw:2d,60s:2w,15m:90d`, finest first.

    Raises ValueError with one line for people.
    """
    pairs = [item.strip().partition(":") for item in text.split(",")]
    if pairs[0][0] != "raw" or len(pairs) > MAX_LEVELS:
        raise ValueError(f"retention: expected raw:TIME first and at most 7, got {text!r}")
    steps = [1, *(_seconds(step, text) for step, _, _ in pairs[1:])]
    keeps = [_seconds(keep, text) for _, _, keep in pairs]
    for finer, coarser in pairwise(steps):
        if coarser % finer or coarser <= finer:
            raise ValueError(f"retention: expected each step a multiple of the last, got {text!r}")
    if sorted(keeps) != keeps:
        raise ValueError(f"retention: expected coarser steps to be kept longer, got {text!r}")
    levels: list[Tier] = []
    settled = LATE
    for step, keep in zip(steps, keeps, strict=True):
        span = _RAW_SPAN if step == 1 else step * _POINTS
        levels.append(Tier(step, keep, span, settled))
        settled += span
    return tuple(levels)


def key(level: int, start: int, series: int = 0) -> int:
    """Return the key of a row or chunk."""
    return ((MAX_LEVELS - 1 - level) << START_BITS | start) << SERIES_BITS | series


def start_of(row_key: int) -> int:
    """Return the Unix time in a key."""
    return row_key >> SERIES_BITS & _START_MASK


def series_of(row_key: int) -> int:
    """Return the series' number in a key."""
    return row_key & _SERIES_MASK


def end_of(level: int) -> int:
    """Return the key past all those of a level."""
    return (MAX_LEVELS - level) << (START_BITS + SERIES_BITS)


def fitting(levels: Sequence[Tier], now: float, start: float, step: float) -> int:
    """Return the level for a query: the coarsest that is no coarser than `step`.

    Where that level does not reach back to the Unix time `start`, it is the finest that does.
    """
    level = max((i for i, each in enumerate(levels) if each.step <= step), default=0)
    while level + 1 < len(levels) and start < now - levels[level].keep:
        level += 1
    return level


def _seconds(text: str, whole: str) -> int:
    match = re.fullmatch(r"(\d+)([smhdwy]?)", text.strip())
    if not match or not int(match[1]):
        raise ValueError(
            f"retention: expected times such as 60s, 15m, 1h, 2d, 2w or 1y, got {whole!r}"
        )
    return int(match[1]) * _UNITS[match[2] or "s"]
