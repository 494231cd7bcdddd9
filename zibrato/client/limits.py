"""Check the bounds that a client is given."""

from __future__ import annotations

from zibrato.client.arguments import shown

MAX_LINGER = 86_400.0
"""Seconds: a day."""
MAX_MAX_PENDING = 1_000_000_000


def linger(given: object) -> float:
    """Return the given seconds; raises TypeError or ValueError with one line."""
    return _seconds("linger", given, 0.0)


def interval(given: object) -> float:
    """Return the given seconds; raises TypeError or ValueError with one line."""
    return _seconds("interval", given, 0.001)


def max_pending(given: object) -> int:
    """Return the given number of samples; raises TypeError or ValueError with one line."""
    text = f"max_pending: expected a whole number from 1 to {MAX_MAX_PENDING}, got {shown(given)}"
    if not isinstance(given, int) or isinstance(given, bool):
        raise TypeError(text)
    if not 1 <= given <= MAX_MAX_PENDING:
        raise ValueError(text)
    return given


def _seconds(name: str, given: object, least: float) -> float:
    text = f"{name}: expected seconds from {least:g} to {MAX_LINGER:g}, got {shown(given)}"
    if not isinstance(given, int | float) or isinstance(given, bool):
        raise TypeError(text)
    if not least <= given <= MAX_LINGER:  # NaN isn't in the range, either
        raise ValueError(text)
    return float(given)
