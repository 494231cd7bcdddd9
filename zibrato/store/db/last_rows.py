"""Find the newest row of each of several series, in whichever tier it is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from zibrato.files.sqlite_file import transaction
from zibrato.store.db.codec import Row
from zibrato.store.db.keys import end_of, key, series_id_of, start_of
from zibrato.store.db.losses import Losses
from zibrato.store.db.soundness import sound_points, sound_rows
from zibrato.store.db.tiers import Tier

MAX_SEEKS = 500_000
"""The most series and starts that a search visits: about a second of work."""
_NEWEST = "SELECT key FROM {table} WHERE key >= ? AND key < ? ORDER BY key DESC LIMIT 1"
_AT = """
    SELECT found.* FROM json_each(?) AS wanted CROSS JOIN {table} AS found
    ON found.key = (? | wanted.value)
"""


class LastRow(NamedTuple):
    """A series' newest row, whose interval begins at the Unix time `start`."""

    series_id: int
    start: int
    row: Row


def last_rows(
    connection: sqlite3.Connection,
    tiers: Sequence[Tier],
    ids: Iterable[int],
    losses: Losses,
    max_seeks: int = MAX_SEEKS,
) -> Iterator[LastRow]:
    """Generate the newest row of each series, from the finest tier that has one.

    The search goes back from the newest start, and looks only for series that it hasn't found yet.
    It ends after `max_seeks`, and doesn't find older rows.
    """
    wanted = set(ids)
    # Read one state of the file during the whole search, because a rollup moves rows between
    # tables.
    with transaction(connection, "DEFERRED"):
        for index in range(len(tiers)):
            for table in ("point", "chunk"):  # in a tier, all rows are newer than the chunks
                for block in _blocks(connection, table, index):
                    if not wanted or max_seeks <= 0:
                        return
                    max_seeks -= len(wanted)
                    for last in _rows_at(connection, table, block, wanted, losses):
                        wanted.discard(last.series_id)
                        yield last


def _blocks(connection: sqlite3.Connection, table: str, index: int) -> Iterator[int]:
    """Generate the key of each start at which a tier has anything, newest first."""
    query, low, high = _NEWEST.format(table=table), key(index, 0), end_of(index)
    while newest := connection.execute(query, (low, high)).fetchone():
        high = key(index, start_of(newest[0]))
        yield high


def _rows_at(
    connection: sqlite3.Connection, table: str, block: int, wanted: set[int], losses: Losses
) -> list[LastRow]:
    """Return the wanted series' rows at a start, or the last rows of their chunks."""
    stored = connection.execute(_AT.format(table=table), (json.dumps([*wanted]), block))
    if table == "point":
        return [
            LastRow(series_id_of(row_key), start_of(row_key), row)
            for row_key, row in sound_rows(stored, losses)
        ]
    return [
        LastRow(series_id_of(chunk_key), *points[-1])
        for chunk_key, chunk in stored
        if (points := sound_points(chunk_key, chunk, losses))
    ]
