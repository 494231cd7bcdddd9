"""Prune data beyond its retention, and evict the oldest data of a file that is nearly full."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from shutil import disk_usage

from zibrato.files.sqlite_file import transaction
from zibrato.store.db.keys import SERIES_BITS, end_of, key, start_of
from zibrato.store.db.points import first_key
from zibrato.store.db.tiers import Tier

NEARLY_FULL = 0.9
_MARGIN = 16
"""With fewer pages left to its bound, a file counts as full even if the disk may be full."""


def prune(connection: sqlite3.Connection, tiers: Sequence[Tier], now: float) -> bool:
    """Delete one block that is beyond its tier's retention; return whether there was one."""
    for index, tier in enumerate(tiers):
        oldest = first_key(connection, "chunk", key(index, 0), end_of(index))
        # A block is deleted as a whole, so wait until its last point is too old.
        if oldest is not None and start_of(oldest) + tier.span < now - tier.keep:
            _delete_block(connection, index, start_of(oldest))
            return True
    return False


def evict_when_nearly_full(connection: sqlite3.Connection, tiers: int) -> bool:
    """Evict a block if the file is nearly full; return whether it did."""
    pages, free, most = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "max_page_count")
    )
    # Deletions leave free pages, which SQLite fills before it lets the file grow.
    return pages - free > most * NEARLY_FULL and evict(connection, tiers)


def is_full(connection: sqlite3.Connection, max_bytes: int) -> bool:
    """Return whether a write that found no room failed because of the file's bound.

    If the disk may be the cause, it is only if the file has almost reached its bound.
    """
    pages, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
    )
    (path,) = [row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "main"]
    left = max_bytes - pages * size
    # A write also grows the WAL, so the disk needs twice the room.
    return bool(left <= _MARGIN * size or disk_usage(path).free > 2 * left)


def evict(connection: sqlite3.Connection, tiers: int) -> bool:
    """Delete the oldest block of the finest tier that has any, or else the oldest rows.

    `tiers` is the number of tiers. Returns whether anything was deleted.
    """
    # Begin with the finest tier: the coarser tiers also have the data of its chunks.
    for index in range(tiers):
        oldest = first_key(connection, "chunk", key(index, 0), end_of(index))
        if oldest is not None:
            _delete_block(connection, index, start_of(oldest))
            return True
    for index in range(tiers):
        oldest = first_key(connection, "point", key(index, 0), end_of(index))
        if oldest is not None:
            past = (oldest >> SERIES_BITS) + 1 << SERIES_BITS
            with transaction(connection):
                connection.execute("DELETE FROM point WHERE key >= ? AND key < ?", (oldest, past))
            return True
    return False


def _delete_block(connection: sqlite3.Connection, index: int, start: int) -> None:
    with transaction(connection):
        connection.execute(
            "DELETE FROM chunk WHERE key >= ? AND key < ?",
            (key(index, start), key(index, start + 1)),
        )
