"""Everything that changes measurements in the file; blocking, for one thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Sequence

from zibrato.files import repeats
from zibrato.model import COUNTER, Identity, Series, Snapshot, Summary
from zibrato.store.db.codec import Row, bounded_count, counter_row, row_of
from zibrato.store.db.errors import TooLargeError
from zibrato.store.db.keys import key
from zibrato.store.db.losses import Losses
from zibrato.store.db.points import KeyedRow, add_rows, create_functions
from zibrato.store.db.retention import evict, evict_when_nearly_full, is_full, prune
from zibrato.store.db.rollup import roll_up
from zibrato.store.db.series_index import MAX_SERIES, NO_ROOM, SeriesIndex
from zibrato.store.db.tiers import Tier

Measurement = tuple[Series, int, Summary]
"""A series, the Unix time at which the interval begins, and the summary of the interval."""


class Writer:
    """Adds measurements; compacts old rows and rolls them up; deletes the oldest data.

    Losses are noted in `losses`. At most `max_series` series are in memory. `on_deleted` is called
    with the ids of series that were deleted to make room.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        tiers: Sequence[Tier],
        max_bytes: int,
        losses: Losses | None = None,
        *,
        max_series: int = MAX_SERIES,
        on_deleted: Callable[[Sequence[int]], None] = lambda _ids: None,
    ) -> None:
        self.connection = connection
        self.losses = losses or Losses()
        create_functions(connection, self.losses)
        self._tiers = tiers
        self._max_bytes = max_bytes
        steps = [(index, tier.step) for index, tier in enumerate(tiers)]
        connection.executemany("INSERT OR IGNORE INTO resolution VALUES (?, ?)", steps)
        self.index = SeriesIndex(connection, max_series, self.losses, tiers, on_deleted)

    def add_snapshots(
        self, *snapshots: Snapshot, identities: Sequence[Identity | None] = ()
    ) -> list[int]:
        """Store snapshots, all or none; return the id of each of their series, in order."""
        return self.add(
            [
                (series, int(start), summary)
                for start, _, summaries in snapshots
                for series, summary in summaries.items()
            ],
            lambda: repeats.note(self.connection, identities),
        )

    def add(
        self,
        points: Sequence[Measurement],
        besides: Callable[[], object] = lambda: None,
    ) -> list[int]:
        """Store points, all or none, and call `besides` in the same transaction.

        Returns the series id of each point, which is `NO_ROOM` if its series can't be stored.
        """
        with self.index.transaction():
            ids = self.index.ids([(series, start) for series, start, _ in points])
            add_rows(self.connection, _rows(ids, points))
            besides()
        # Count only now: what is rolled back is delivered again, and would be counted twice.
        counts = [summary.count for _, _, summary in points]
        if NO_ROOM in ids:
            dropped = (count for count, one in zip(counts, ids, strict=True) if one == NO_ROOM)
            self.losses.no_room(sum(dropped))
        self.losses.overflowed(sum(counts) - sum(map(bounded_count, counts)))
        return ids

    def delete_metrics(self, names: Collection[str]) -> None:
        """Delete the metrics with these names, in any case; queries no longer find their points.

        The points themselves are deleted when they are old: series ids are never reused.
        """
        with self.index.transaction():
            self.index.delete(names)
            self.connection.executemany(
                "DELETE FROM metric WHERE name = ?", [[name] for name in names]
            )

    def maintenance(self, now: float) -> bool:
        """Do some of the maintenance that is due at the Unix time `now`, at most a second of work.

        Returns whether there may be more to do.
        """
        # Delete first: deleted rows need not be rolled up.
        return (
            prune(self.connection, self._tiers, now)
            or self._delete_old_series(now)
            or self.index.delete_excess()
            or evict_when_nearly_full(self.connection, len(self._tiers))
            or roll_up(self.connection, self._tiers, now, self.losses)
        )

    def evict(self) -> bool:
        """If the file is full, delete its oldest data; return whether the file was full.

        Raises TooLargeError if there is nothing to delete.
        """
        if not is_full(self.connection, self._max_bytes):
            return False
        if not (self.index.delete_excess() or evict(self.connection, len(self._tiers))):
            raise TooLargeError(f"no room in {self._max_bytes:,} bytes, the file's maximum size")
        return True

    def _delete_old_series(self, now: float) -> bool:
        """Delete series that have no points any more; return whether there were any."""
        return self.index.delete_old(now - self._tiers[-1].keep - self._tiers[-1].span)


def _rows(ids: Sequence[int], points: Sequence[Measurement]) -> list[KeyedRow]:
    return [
        (key(0, start, series_id), *row_for(series.kind, summary))
        for series_id, (series, start, summary) in zip(ids, points, strict=True)
        if series_id != NO_ROOM
    ]


def row_for(kind: str, summary: Summary) -> Row:
    """Return the row that stores a summary of a series of this kind."""
    return counter_row(summary) if kind == COUNTER else row_of(summary)
