"""The sources that there are of anything; Librato's notion of where something was measured."""

from __future__ import annotations

import sqlite3

_SOURCES = "SELECT DISTINCT source FROM series WHERE source != '' ORDER BY source COLLATE NOCASE"
_NAMED = "SELECT source FROM series WHERE source = ? COLLATE NOCASE AND source != '' LIMIT 1"


def page(
    connection: sqlite3.Connection, search: str, offset: int, length: int, descending: bool = False
) -> tuple[int, int, list[str]]:
    """Return how many sources there are, how many have `search` in their name, and a page of them.

    The page has `length` of them, sorted by name.
    """
    every = [source for (source,) in connection.execute(_SOURCES)]
    matching = [source for source in every if search.lower() in source.lower()]
    if descending:
        matching.reverse()
    return len(every), len(matching), matching[offset : offset + length]


def named(connection: sqlite3.Connection, name: str) -> str | None:
    """Return a source as it was first written, None where there is none of that name."""
    row = connection.execute(_NAMED, (name,)).fetchone()
    return None if row is None else str(row[0])
