"""Private: suggests a known name for an unknown one that was probably misspelt."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["suggestion"]

_LONGEST = 64


def suggestion(name: str, known: Iterable[str], prefix: str = "") -> str:
    """Return `; did you mean NAME?`, or an empty string if no known name is similar."""
    near = get_close_matches(name[:_LONGEST].lower(), known, 1)
    return f"; did you mean {prefix}{near[0]}?" if near else ""
