"""Sources as Librato has them: where something was measured, with names for people."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from zibrato.files.sqlite_file import transaction
from zibrato.store.db.errors import InvalidValueError
from zibrato.store.db.event_bounds import part_of_file

MAX_SOURCES = 10_000
"""The most sources that requests may name; sources that are only measured aren't bounded here."""
# The table has what requests said of sources, including sources without measurements. A source is
# spelt as in its series.
_SOURCES = """
    SELECT DISTINCT series.source, source.display_name
    FROM series LEFT JOIN source ON source.name = series.source WHERE series.source != ''
    UNION ALL SELECT name, display_name FROM source
    WHERE name NOT IN (SELECT source FROM series)
    ORDER BY 1 COLLATE NOCASE
"""
_NAMED = f"""
    SELECT * FROM ({_SOURCES}) WHERE source = ? COLLATE NOCASE AND source != '' LIMIT 1
"""  # noqa: S608 - only constants
_PUT = """
    INSERT INTO source VALUES (?, ?)
    ON CONFLICT DO UPDATE SET display_name = excluded.display_name
"""


_TOTAL = "SELECT count(*), coalesce(sum(length(CAST(display_name AS BLOB))), 0) FROM source"


class Source(NamedTuple):
    """Where something was measured, with its name for people."""

    name: str
    display_name: str | None = None


def page(
    connection: sqlite3.Connection, search: str, offset: int, length: int, descending: bool = False
) -> tuple[int, int, list[Source]]:
    """Return how many sources there are, how many have `search` in their name, and a page of these.

    The page has at most `length` sources, sorted by name.
    """
    every = [Source(*row) for row in connection.execute(_SOURCES)]
    matching = [source for source in every if search.lower() in source.name.lower()]
    if descending:
        matching.reverse()
    return len(every), len(matching), matching[offset : offset + length]


def named(connection: sqlite3.Connection, name: str) -> Source | None:
    """Return a source, spelt as it was first written, or None if there is no such source."""
    row = connection.execute(_NAMED, (name,)).fetchone()
    return None if row is None else Source(*row)


def put(connection: sqlite3.Connection, name: str, display_name: str | None) -> bool:
    """Set the name for people of a source; return whether the source existed.

    Raises InvalidValueError if there are too many sources, or if there is no room for the name.
    """
    known = named(connection, name) is not None
    with transaction(connection):
        before = connection.execute(_TOTAL).fetchone()
        connection.execute(_PUT, (name, display_name))
        _check(connection, *before)
    return known


def _check(connection: sqlite3.Connection, sources: int, size: int) -> None:
    """Raise InvalidValueError if a bound is exceeded, and more so than before."""
    now_sources, now_size = connection.execute(_TOTAL).fetchone()
    most = part_of_file(connection)
    if now_sources > max(MAX_SOURCES, sources):
        raise InvalidValueError("name", f"there are {sources:,} named sources already")
    if now_size > max(most, size):
        reason = f"those of all would take {now_size:,} bytes, of {most:,} at most"
        raise InvalidValueError("display_name", reason)
