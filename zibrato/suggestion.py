"""Private: suggests a known name for one that was probably misspelt or cut short."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["suggestion"]

_LONGEST = 64
_SHORTEST = 3
"""The shortest name that may be the beginning of another."""


def suggestion(name: str, known: Iterable[str], prefix: str = "") -> str:
    """Return `; did you mean NAME?`, or an empty string if no known name is similar."""
    word, names = name[:_LONGEST].lower(), list(known)
    near = get_close_matches(word, names, 1)
    if not near and len(word) >= _SHORTEST:
        near = sorted(one for one in names if one.startswith(word))
    return f"; did you mean {prefix}{near[0]}?" if near else ""
