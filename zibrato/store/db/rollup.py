"""Rows that no more is expected of become chunks, and rows of the next resolution."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence

from zibrato.store.db.codec import Point, Row, combined, decode_points, encode_points
from zibrato.store.db.keys import Tier, end_of, key, series_of, start_of
from zibrato.store.db.points import KeyedRow, add_rows, first_key, starts
from zibrato.store.db.schema import transaction

SLICE = 100_000
"""About how many rows are settled at a time: a second's work."""


def settle(
    connection: sqlite3.Connection,
    levels: Sequence[Tier],
    now: float,
    known: Container[int],
) -> bool:
    """Settle some rows of the oldest block that is complete by the Unix time `now`.

    What is of no `known` series is left out. Returns whether there was anything to settle.
    """
    for level, resolution in enumerate(levels):
        oldest = first_key(connection, "point", key(level, 0), end_of(level))
        if oldest is None:
            continue
        block = start_of(oldest) // resolution.span * resolution.span
        if block + resolution.span + resolution.settled <= now:
            _settle_block(connection, levels, level, block, known)
            return True
    return False


def coarsened(points: Iterable[Point], step: int) -> list[Point]:
    """Return points, oldest first, merged to one for each `step` seconds."""
    slots: dict[int, list[Row]] = defaultdict(list)
    for start, row in points:
        slots[start - start % step].append(row)
    return [(start, combined(rows)) for start, rows in slots.items()]


def _settle_block(
    connection: sqlite3.Connection,
    levels: Sequence[Tier],
    level: int,
    block: int,
    known: Container[int],
) -> None:
    """Settle the first series of a block, about `SLICE` rows of them."""
    found = list(starts(connection, level, block, block + levels[level].span))
    first = min(
        series_of(first_key(connection, "point", key(level, start), key(level, start + 1)) or 0)
        for start in found
    )
    past = first + max(1, SLICE // len(found))
    ranges = [(key(level, start, first), key(level, start, past)) for start in found]
    with transaction(connection):
        grouped = _grouped(connection, ranges)
        live = {number: points for number, points in grouped.items() if number in known}
        _write_chunks(connection, level, block, live)
        if level + 1 < len(levels):
            _write_coarser(connection, level + 1, levels[level + 1].step, live)
        connection.executemany("DELETE FROM point WHERE key >= ? AND key < ?", ranges)


def _grouped(
    connection: sqlite3.Connection, ranges: Iterable[tuple[int, int]]
) -> dict[int, list[Point]]:
    """Return the points of each series in ranges of keys, oldest first."""
    grouped: dict[int, list[Point]] = defaultdict(list)
    for each in ranges:
        for row_key, *row in connection.execute(
            "SELECT * FROM point WHERE key >= ? AND key < ?", each
        ):
            grouped[series_of(row_key)].append((start_of(row_key), tuple(row)))
    return grouped


def _write_chunks(
    connection: sqlite3.Connection, level: int, block: int, grouped: dict[int, list[Point]]
) -> None:
    chunks = []
    for number, points in grouped.items():
        chunk_key = key(level, block, number)
        whole = points
        for (before,) in connection.execute("SELECT points FROM chunk WHERE key = ?", (chunk_key,)):
            whole = coarsened(sorted(decode_points(before, block) + points, key=_by_start), 1)
        chunks.append((chunk_key, encode_points(whole, block)))
    connection.executemany("INSERT OR REPLACE INTO chunk VALUES (?, ?)", chunks)


def _write_coarser(
    connection: sqlite3.Connection, level: int, step: int, grouped: dict[int, list[Point]]
) -> None:
    rows: list[KeyedRow] = [
        (key(level, start, number), *row)
        for number, points in grouped.items()
        for start, row in coarsened(points, step)
    ]
    add_rows(connection, rows)


def _by_start(point: Point) -> int:
    return point[0]
