"""Private: parses sizes as people write them, such as 8G, and has the units of durations; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["SECONDS", "parse_size"]

MIN_BYTES, MAX_BYTES = 1 << 20, 1 << 47
SECONDS: Mapping[str, int] = {
    "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000
}  # fmt: skip
"""The seconds of each unit of a duration."""
_POWERS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_MAX_SHOWN = 64


def parse_size(text: str) -> int:
    """Return bytes from a mebibyte to 128 tebibytes; raises ValueError, with a half-sentence."""
    match = re.fullmatch("([0-9]{1,15})([KMGT]?)", text)
    number = int(match[1]) << _POWERS[match[2]] if match else 0
    if not MIN_BYTES <= number <= MAX_BYTES:
        raise ValueError(f"expected bytes from 1M to 128T such as 8G, got {text[:_MAX_SHOWN]!r}")
    return number
