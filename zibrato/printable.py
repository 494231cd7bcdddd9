"""Private: texts from elsewhere, such as names of metrics, on their way to a terminal."""

from __future__ import annotations

__all__ = ["printable"]


def printable(text: str) -> str:
    r"""Return a text with what a terminal would obey, not show, as `\x1b` and the like."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
