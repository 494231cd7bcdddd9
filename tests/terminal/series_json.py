"""What a page lists and tells of series, as JSON."""

from __future__ import annotations

import json
from typing import Any

START = 1_000_000.0
"""A multiple of the interval."""


def series(number: int, **changes: Any) -> dict[str, Any]:
    """Return a counter whose newest interval began at START."""
    return {
        "id": number, "kind": "counter", "name": f"shop.orders{number}", "source": "web-1",
        "tags": {}, "level": "info", "last": 5.0, "rate": 0.5, "seen": START,
        "spark": [1.0, None, 5.0], **changes,
    }  # fmt: skip


def listed(*given: dict[str, Any], updates: int = 1) -> bytes:
    """Return a list of these series."""
    content = {"now": START, "updates": updates, "interval": 10.0, "series": given}
    return json.dumps({**content, "descriptions": []}).encode()


def interval(start: float, *points: list[Any]) -> bytes:
    """Return an interval of 10 seconds with these points."""
    return json.dumps({"start": start, "end": start + 10, "points": points}).encode()


def counted(number: int, total: float) -> list[Any]:
    """Return the point of a counter."""
    return [number, 1, total, None, None, None, None, None, None]


def timed(number: int, count: int, *percentiles: float) -> list[Any]:
    """Return the point of a timer with its three percentiles."""
    return [number, count, 1.0, 0.0, 1.0, 1.0, *percentiles]
