"""What is past its time goes, and where the file comes near its bound, the oldest of the finest."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from zibrato.store.db.keys import SERIES_BITS, Tier, end_of, key, start_of
from zibrato.store.db.points import first_key
from zibrato.store.db.schema import transaction

FULL = 0.9
_MARGIN = 16


def prune(connection: sqlite3.Connection, levels: Sequence[Tier], now: float) -> bool:
    """Delete a block that is past its time; return whether there was one."""
    for level, resolution in enumerate(levels):
        oldest = first_key(connection, "chunk", key(level, 0), end_of(level))
        if oldest is not None and start_of(oldest) + resolution.span < now - resolution.keep:
            _delete_block(connection, level, start_of(oldest))
            return True
    return False


def shrink(connection: sqlite3.Connection, levels: int) -> bool:
    """Delete a block where the file is nearly full; return whether that was so."""
    pages, free, most = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "max_page_count")
    )
    return pages - free > most * FULL and make_room(connection, levels)


def at_bound(connection: sqlite3.Connection, max_bytes: int) -> bool:
    """Whether the file may grow no more."""
    pages, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
    )
    return bool((pages + _MARGIN) * size >= max_bytes)


def make_room(connection: sqlite3.Connection, levels: int) -> bool:
    """Delete the oldest block of the finest level that has any, or the oldest rows.

    Returns whether there was one.
    """
    for level in range(levels):
        oldest = first_key(connection, "chunk", key(level, 0), end_of(level))
        if oldest is not None:
            _delete_block(connection, level, start_of(oldest))
            return True
    oldest = first_key(connection, "point", key(0, 0), end_of(0))
    if oldest is not None:
        past = (oldest >> SERIES_BITS) + 1 << SERIES_BITS
        with transaction(connection):
            connection.execute("DELETE FROM point WHERE key >= ? AND key < ?", (oldest, past))
    return oldest is not None


def _delete_block(connection: sqlite3.Connection, level: int, start: int) -> None:
    with transaction(connection):
        connection.execute(
            "DELETE FROM chunk WHERE key >= ? AND key < ?",
            (key(level, start), key(level, start + 1)),
        )
