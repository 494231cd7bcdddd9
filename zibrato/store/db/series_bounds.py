"""The bound of what series take in the file, so that names leave room for measurements."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

from zibrato.store.db.keys import key
from zibrato.store.db.schema import SERIES_BYTES, max_bytes_of
from zibrato.store.db.tiers import Tier

SHARE = 4
"""Series may take one part in `SHARE` of the file."""
SLICE = 10_000
"""How many series are deleted at a time."""
_OLDEST = f"SELECT id, name, {SERIES_BYTES}, made FROM series ORDER BY seen, id LIMIT ?"  # noqa: S608 - only constants


class OldSeries(NamedTuple):
    """A series that is to be deleted; `made` is the Unix time of its first measurement."""

    id: int
    name: str
    bytes: int
    made: int


class SeriesTotal:
    """About how many bytes series take; changes reach the file when `write` is called.

    After a transaction was rolled back, call `forget`.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._bytes: int | None = None
        self._added = 0

    @property
    def bytes(self) -> int:
        """How many bytes series take now."""
        if self._bytes is None:
            query = "SELECT bytes FROM series_total"
            self._bytes = int(self._connection.execute(query).fetchone()[0])
        return self._bytes + self._added

    @property
    def most(self) -> int:
        """The most bytes that series may take."""
        return max_bytes_of(self._connection) // SHARE

    def add(self, size: int) -> None:
        """Add the bytes of a new series, or subtract those of a deleted one."""
        self._added += size

    def write(self) -> None:
        """Write the number to the file."""
        if self._added:
            self._bytes = self.bytes
            self._added = 0
            self._connection.execute("UPDATE series_total SET bytes = ?", (self._bytes,))

    def forget(self) -> None:
        """Read the number from the file again."""
        self._bytes, self._added = None, 0


def size_of(identity: Iterable[str]) -> int:
    """Return the `SERIES_BYTES` of a series from its name, source, kind, tags and level."""
    name, *others = identity
    return 110 + 2 * len("".join((name, name, *others)).encode())


def oldest(
    connection: sqlite3.Connection, size: int, kept: Container[int], skipped: int
) -> list[OldSeries]:
    """Return the series measured longest ago that take `size` bytes together, at most `SLICE`.

    None of them is in `kept`; at most `skipped` series are passed over for that.
    """
    old: list[OldSeries] = []
    for row in connection.execute(_OLDEST, (SLICE + skipped,)):
        one = OldSeries(*row)
        if one.id not in kept:
            old.append(one)
            size -= one.bytes
        if size <= 0 or len(old) == SLICE:
            break
    return old


def delete_first_rows(
    connection: sqlite3.Connection, tiers: Sequence[Tier], old: Iterable[OldSeries]
) -> None:
    """Delete each series' first row, and the first chunk and row of each tier, with a few seeks.

    A name that was measured once has nothing else. Further rows of a series are no longer found by
    queries, aren't rolled up any more, and are deleted when they are old.
    """
    places = [(one.made, one.id) for one in old]
    for index, (step, _, span, _) in enumerate(tiers):
        for table, width in (("point", step), ("chunk", span)):
            keys = [[key(index, made // width * width, series_id)] for made, series_id in places]
            connection.executemany(f"DELETE FROM {table} WHERE key = ?", keys)  # noqa: S608 - only constants
