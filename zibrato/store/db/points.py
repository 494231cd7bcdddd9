"""The rows of the file, by their keys: found, added, and merged with those that are there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from zibrato.store.db.keys import key, start_of

KeyedRow = tuple[
    int, int, float, float | None, float | None, float | None, float | None, bytes | None
]
# Summary.merged in SQL: a row that is there already is neither fetched nor decoded here, save its
# distribution. tests/store/db/test_codec.py holds both to the same result.
_UPSERT = """
    INSERT INTO point VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
        count = count + excluded.count, sum = bounded(sum + excluded.sum),
        min = min(min, excluded.min), max = max(max, excluded.max),
        sum_squares = bounded(sum_squares + excluded.sum_squares), last = excluded.last,
        distribution = merged(distribution, sum, excluded.distribution, excluded.sum)
"""
_FIRST = "SELECT key FROM {} WHERE key >= ? AND key < ? ORDER BY key LIMIT 1"


def add_rows(connection: sqlite3.Connection, rows: list[KeyedRow]) -> None:
    """Add rows in the order of their keys, which is how a tree grows best."""
    rows.sort(key=_by_key)
    connection.executemany(_UPSERT, rows)


def first_key(connection: sqlite3.Connection, table: str, low: int, high: int) -> int | None:
    """Return the lowest key from `low` to before `high`, None where there is none."""
    row = connection.execute(_FIRST.format(table), (low, high)).fetchone()
    return None if row is None else int(row[0])


def first_keys(connection: sqlite3.Connection, index: int, start: int, end: int) -> Iterator[int]:
    """Generate the first key of each start, from `start` to before `end`, that a tier has."""
    row_key = first_key(connection, "point", key(index, start), key(index, end))
    while row_key is not None:
        yield row_key
        past = key(index, start_of(row_key) + 1)
        row_key = first_key(connection, "point", past, key(index, end))


def _by_key(row: KeyedRow) -> int:
    return row[0]
