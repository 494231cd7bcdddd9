"""Private: which of the known names somebody meant who wrote one that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["suggestion"]

_LONGEST = 64


def suggestion(name: str, known: Iterable[str], prefix: str = "") -> str:
    """Return `; did you mean NAME?`, or nothing where no known name is like it."""
    near = get_close_matches(name[:_LONGEST].lower(), known, 1)
    return f"; did you mean {prefix}{near[0]}?" if near else ""
