"""Rows of which no more are expected are compacted to chunks and rolled up to the next tier."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence

from zibrato.store.db.chunks import decode_points, encode_points
from zibrato.store.db.codec import Point, Row, merged_row
from zibrato.store.db.keys import end_of, key, series_id_of, start_of
from zibrato.store.db.points import KeyedRow, add_rows, first_key, first_keys
from zibrato.store.db.schema import transaction
from zibrato.store.db.tiers import Tier

SLICE = 100_000
"""About how many rows are rolled up at a time: a second's work."""


def roll_up(
    connection: sqlite3.Connection,
    tiers: Sequence[Tier],
    now: float,
    series_ids: Container[int],
) -> bool:
    """Roll up some rows of the oldest block that is complete by the Unix time `now`.

    What is of none of the series is left out. Returns whether there was anything to roll up.
    """
    for index, tier in enumerate(tiers):
        oldest = first_key(connection, "point", key(index, 0), end_of(index))
        if oldest is None:
            continue
        block = start_of(oldest) // tier.span * tier.span
        if block + tier.span + tier.rollup_delay <= now:
            _roll_up_block(connection, tiers, index, block, series_ids)
            return True
    return False


def coarsened(points: Iterable[Point], step: int) -> list[Point]:
    """Return points, oldest first, merged to one for each `step` seconds."""
    slots: dict[int, list[Row]] = defaultdict(list)
    for start, row in points:
        slots[start - start % step].append(row)
    return [(start, merged_row(rows)) for start, rows in slots.items()]


def _roll_up_block(
    connection: sqlite3.Connection,
    tiers: Sequence[Tier],
    index: int,
    block: int,
    series_ids: Container[int],
) -> None:
    """Roll up the first series of a block, about `SLICE` rows of them."""
    keys = list(first_keys(connection, index, block, block + tiers[index].span))
    first = min(map(series_id_of, keys))
    past = first + max(1, SLICE // len(keys))
    ranges = [(key(index, start, first), key(index, start, past)) for start in map(start_of, keys)]
    with transaction(connection):
        points = {
            series_id: points
            for series_id, points in _points(connection, ranges).items()
            if series_id in series_ids
        }
        _write_chunks(connection, index, block, points)
        if index + 1 < len(tiers):
            _write_coarser(connection, index + 1, tiers[index + 1].step, points)
        connection.executemany("DELETE FROM point WHERE key >= ? AND key < ?", ranges)


def _points(
    connection: sqlite3.Connection, ranges: Iterable[tuple[int, int]]
) -> dict[int, list[Point]]:
    """Return the points of each series in ranges of keys, oldest first."""
    points: dict[int, list[Point]] = defaultdict(list)
    for key_range in ranges:
        for row_key, *row in connection.execute(
            "SELECT * FROM point WHERE key >= ? AND key < ?", key_range
        ):
            points[series_id_of(row_key)].append((start_of(row_key), tuple(row)))
    return points


def _write_chunks(
    connection: sqlite3.Connection, index: int, block: int, points: dict[int, list[Point]]
) -> None:
    """Write a chunk for each series; a chunk that is there already gets what came late."""
    chunks = []
    for series_id, added in points.items():
        chunk_key = key(index, block, series_id)
        whole = added
        for (stored,) in connection.execute("SELECT points FROM chunk WHERE key = ?", (chunk_key,)):
            whole = coarsened(sorted(decode_points(stored, block) + added, key=_by_start), 1)
        chunks.append((chunk_key, encode_points(whole, block)))
    connection.executemany("INSERT OR REPLACE INTO chunk VALUES (?, ?)", chunks)


def _write_coarser(
    connection: sqlite3.Connection, index: int, step: int, points: dict[int, list[Point]]
) -> None:
    rows: list[KeyedRow] = [
        (key(index, start, series_id), *row)
        for series_id, series_points in points.items()
        for start, row in coarsened(series_points, step)
    ]
    add_rows(connection, rows)


def _by_start(point: Point) -> int:
    return point[0]
