"""Private: makes texts of others, such as names of metrics, safe to print on a terminal."""

from __future__ import annotations

__all__ = ["printable"]


def printable(text: str) -> str:
    r"""Return a text with unprintable characters, which may control a terminal, as `\x1b` etc."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
