"""What is past its retention is pruned; of a file that is nearly full, the oldest is evicted."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from zibrato.files.sqlite_file import transaction
from zibrato.store.db.keys import SERIES_BITS, end_of, key, start_of
from zibrato.store.db.points import first_key
from zibrato.store.db.tiers import Tier

NEARLY_FULL = 0.9
_MARGIN = 16
"""Pages that a write may need at once; with fewer left it may fail."""


def prune(connection: sqlite3.Connection, tiers: Sequence[Tier], now: float) -> bool:
    """Delete a block that is past its tier's retention; return whether there was one."""
    for index, tier in enumerate(tiers):
        oldest = first_key(connection, "chunk", key(index, 0), end_of(index))
        # A block goes as a whole, so not before its last point is too old.
        if oldest is not None and start_of(oldest) + tier.span < now - tier.keep:
            _delete_block(connection, index, start_of(oldest))
            return True
    return False


def evict_when_nearly_full(connection: sqlite3.Connection, tiers: int) -> bool:
    """Evict a block where so much of the file is in use; return whether that was so."""
    pages, free, most = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "max_page_count")
    )
    # What was deleted left free pages, which SQLite fills before it lets the file grow.
    return pages - free > most * NEARLY_FULL and evict(connection, tiers)


def is_full(connection: sqlite3.Connection, max_bytes: int) -> bool:
    """Whether the file may grow no more."""
    pages, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
    )
    return bool((pages + _MARGIN) * size >= max_bytes)


def evict(connection: sqlite3.Connection, tiers: int) -> bool:
    """Delete the oldest block of the finest of so many tiers that has any, or the oldest rows.

    Returns whether there was one.
    """
    # The finest first: what is in its chunks, the coarser tiers have as well.
    for index in range(tiers):
        oldest = first_key(connection, "chunk", key(index, 0), end_of(index))
        if oldest is not None:
            _delete_block(connection, index, start_of(oldest))
            return True
    oldest = first_key(connection, "point", key(0, 0), end_of(0))
    if oldest is not None:
        past = (oldest >> SERIES_BITS) + 1 << SERIES_BITS
        with transaction(connection):
            connection.execute("DELETE FROM point WHERE key >= ? AND key < ?", (oldest, past))
    return oldest is not None


def _delete_block(connection: sqlite3.Connection, index: int, start: int) -> None:
    with transaction(connection):
        connection.execute(
            "DELETE FROM chunk WHERE key >= ? AND key < ?",
            (key(index, start), key(index, start + 1)),
        )
