"""Compact complete rows to chunks, and roll them up to the next tier."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence

from zibrato.files.sqlite_file import transaction
from zibrato.store.db.chunks import encode_points
from zibrato.store.db.codec import Point, Row, merged_row
from zibrato.store.db.keys import end_of, key, series_id_of, start_of
from zibrato.store.db.losses import Losses
from zibrato.store.db.points import KeyedRow, add_rows, first_key, first_keys
from zibrato.store.db.soundness import sound_points, sound_rows
from zibrato.store.db.tiers import Tier

_SERIES = "SELECT id FROM series WHERE id >= ? AND id < ?"
SLICE = 100_000
"""About how many rows are rolled up at a time: a second of work."""


def roll_up(
    connection: sqlite3.Connection,
    tiers: Sequence[Tier],
    now: float,
    losses: Losses,
) -> bool:
    """Roll up some rows of the oldest block that is complete at the Unix time `now`.

    Rows of deleted series are left out. Corrupt rows are left out and noted in `losses`. Returns
    whether there was anything to roll up.
    """
    for index, tier in enumerate(tiers):
        oldest = first_key(connection, "point", key(index, 0), end_of(index))
        if oldest is None:
            continue
        block = start_of(oldest) // tier.span * tier.span
        if block + tier.span + tier.rollup_delay <= now:
            _roll_up_block(connection, tiers, index, block, losses)
            return True
    return False


def coarsened(points: Iterable[Point], step: int) -> list[Point]:
    """Merge points, oldest first, to one for each `step` seconds."""
    slots: dict[int, list[Row]] = defaultdict(list)
    for start, row in points:
        slots[start - start % step].append(row)
    return [(start, merged_row(rows)) for start, rows in slots.items()]


def _roll_up_block(
    connection: sqlite3.Connection,
    tiers: Sequence[Tier],
    index: int,
    block: int,
    losses: Losses,
) -> None:
    """Roll up the first series of a block, about `SLICE` rows."""
    # Slice by series, not by time: a chunk needs all rows of its series in the block.
    keys = list(first_keys(connection, index, block, block + tiers[index].span))
    first = min(map(series_id_of, keys))
    past = first + max(1, SLICE // len(keys))
    ranges = [(key(index, start, first), key(index, start, past)) for start in map(start_of, keys)]
    with transaction(connection):
        series_ids = {series_id for (series_id,) in connection.execute(_SERIES, (first, past))}
        points = {
            series_id: points
            for series_id, points in _points(connection, ranges, losses).items()
            if series_id in series_ids
        }
        _write_chunks(connection, index, block, points, losses)
        if index + 1 < len(tiers):
            _write_coarser(connection, index + 1, tiers[index + 1].step, points, losses)
        # Delete in the same transaction: no query finds both a row and its chunk, or neither of
        # them.
        connection.executemany("DELETE FROM point WHERE key >= ? AND key < ?", ranges)


def _points(
    connection: sqlite3.Connection, ranges: Iterable[tuple[int, int]], losses: Losses
) -> dict[int, list[Point]]:
    """Return the points of each series in ranges of keys, oldest first.

    All points of one series have the same shape, because a chunk has columns.
    """
    points: dict[int, list[Point]] = defaultdict(list)
    for key_range in ranges:
        stored = connection.execute("SELECT * FROM point WHERE key >= ? AND key < ?", key_range)
        for row_key, row in sound_rows(stored, losses):
            before = points[series_id_of(row_key)]
            if before and _shape(before[0][1]) != _shape(row):
                losses.corrupt("row", row_key)
            else:
                before.append((start_of(row_key), row))
    return points


def _shape(row: Row) -> tuple[bool, bool]:
    """Return what distinguishes the rows of counters, gauges and timers."""
    return row[2] is None, row[6] is None


def _write_chunks(
    connection: sqlite3.Connection,
    index: int,
    block: int,
    points: dict[int, list[Point]],
    losses: Losses,
) -> None:
    """Write a chunk for each series; late points are added to a chunk that exists already."""
    chunks = []
    for series_id, added in points.items():
        chunk_key = key(index, block, series_id)
        whole = added
        for (stored,) in connection.execute("SELECT points FROM chunk WHERE key = ?", (chunk_key,)):
            before = sound_points(chunk_key, stored, losses)
            alike = [point for point in before if _shape(point[1]) == _shape(added[0][1])]
            # With steps of one second, a late point is merged with one that has the same start.
            whole = coarsened(sorted(alike + added, key=_by_start), 1)
        chunks.append((chunk_key, encode_points(whole, block)))
    connection.executemany("INSERT OR REPLACE INTO chunk VALUES (?, ?)", chunks)


def _write_coarser(
    connection: sqlite3.Connection,
    index: int,
    step: int,
    points: dict[int, list[Point]],
    losses: Losses,
) -> None:
    rows: list[KeyedRow] = [
        (key(index, start, series_id), *row)
        for series_id, series_points in points.items()
        for start, row in coarsened(series_points, step)
    ]
    finer = sum(row[0] for series_points in points.values() for _, row in series_points)
    losses.overflowed(finer - sum(row[1] for row in rows))
    add_rows(connection, rows)


def _by_start(point: Point) -> int:
    return point[0]
