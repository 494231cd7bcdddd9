"""Find, add and merge rows of the file by their keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from zibrato.model import bounded
from zibrato.store.db.codec import bounded_count, decode_distribution, encode_distribution
from zibrato.store.db.keys import key, start_of
from zibrato.store.db.losses import Losses
from zibrato.store.db.soundness import is_sound_distribution

KeyedRow = tuple[
    int, int, float, float | None, float | None, float | None, float | None, bytes | None
]
# This is Summary.merged in SQL, so that the old row is neither fetched nor decoded here, except its
# distribution. tests/store/db/test_codec.py checks that both give the same result.
_UPSERT = """
    INSERT INTO point VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
        count = added(count, excluded.count), sum = bounded(sum + excluded.sum),
        min = min(min, excluded.min), max = max(max, excluded.max),
        sum_squares = bounded(sum_squares + excluded.sum_squares), last = excluded.last,
        distribution = merged(distribution, sum, excluded.distribution, excluded.sum)
"""
_FIRST = "SELECT key FROM {} WHERE key >= ? AND key < ? ORDER BY key LIMIT 1"


def create_functions(connection: sqlite3.Connection, losses: Losses) -> None:
    """Register the SQL functions that `add_rows` uses with a connection.

    None of them raises, whatever the file contains: corrupt data must not stop new measurements.
    """

    def added(one: object, two: object) -> int:
        count = sum(int(value) for value in (one, two) if isinstance(value, int | float))
        losses.overflowed(count - bounded_count(count))
        return bounded_count(count)

    # Not deterministic, because it counts losses: SQLite may call a deterministic function only
    # once for all rows.
    connection.create_function("added", 2, added)
    connection.create_function("bounded", 1, _bounded, deterministic=True)
    connection.create_function("merged", 4, _merged, deterministic=True)


def add_rows(connection: sqlite3.Connection, rows: list[KeyedRow]) -> None:
    """Add rows in the order of their keys, the order in which a tree grows fastest."""
    rows.sort(key=_by_key)
    connection.executemany(_UPSERT, rows)


def first_key(connection: sqlite3.Connection, table: str, low: int, high: int) -> int | None:
    """Return the lowest key from `low` to before `high`, or None."""
    row = connection.execute(_FIRST.format(table), (low, high)).fetchone()
    return None if row is None else int(row[0])


def first_keys(connection: sqlite3.Connection, index: int, start: int, end: int) -> Iterator[int]:
    """Generate the first key of each start that a tier has, from `start` to before `end`."""
    row_key = first_key(connection, "point", key(index, start), key(index, end))
    while row_key is not None:
        yield row_key
        past = key(index, start_of(row_key) + 1)
        row_key = first_key(connection, "point", past, key(index, end))


def _bounded(value: float | None) -> float | None:
    return None if value is None else bounded(value)


def _merged(one: bytes | None, total: float, two: bytes | None, added: float) -> bytes | None:
    """Merge the distributions of two rows; the sums are needed to decode single samples.

    A corrupt distribution stays as it is, so that its row will be left out.
    """
    if one is None or two is None or not is_sound_distribution(one):
        return one
    return encode_distribution(
        decode_distribution(one, total).merged(decode_distribution(two, added))
    )


def _by_key(row: KeyedRow) -> int:
    return row[0]
