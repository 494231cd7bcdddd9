"""Everything that changes the measurements in the file; for one thread, blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Sequence

from zibrato.files import repeats
from zibrato.files.sqlite_file import transaction
from zibrato.model import COUNTER, Identity, Series, Snapshot, Summary
from zibrato.store.db.codec import Row, bounded_count, counter_row, row_of
from zibrato.store.db.keys import key
from zibrato.store.db.losses import Losses
from zibrato.store.db.points import KeyedRow, add_rows, create_functions
from zibrato.store.db.retention import evict, evict_when_nearly_full, is_full, prune
from zibrato.store.db.rollup import roll_up
from zibrato.store.db.series_index import MAX_SERIES, SeriesIndex
from zibrato.store.db.tiers import Tier

Measurement = tuple[Series, int, Summary]
"""A series, the Unix time of the interval, and what was measured in it."""


class Writer:
    """Adds measurements; turns old rows into chunks and coarser rows; deletes the oldest.

    What that loses is in `losses`; `max_series` are in memory.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        tiers: Sequence[Tier],
        max_bytes: int,
        losses: Losses | None = None,
        max_series: int = MAX_SERIES,
    ) -> None:
        self.connection = connection
        self.losses = losses or Losses()
        create_functions(connection, self.losses)
        self._tiers = tiers
        self._max_bytes = max_bytes
        steps = [(index, tier.step) for index, tier in enumerate(tiers)]
        connection.executemany("INSERT OR IGNORE INTO resolution VALUES (?, ?)", steps)
        self.index = SeriesIndex(connection, max_series, self.losses)

    def add_snapshots(
        self, *snapshots: Snapshot, identities: Sequence[Identity | None] = ()
    ) -> list[int]:
        """Keep snapshots, all or none; return the id of each of their series, in order."""
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
        """Keep points, all or none, and do what is `besides` in the same transaction.

        Returns the series id of each point.
        """
        try:
            with transaction(self.connection):
                ids = self.index.ids((series, start) for series, start, _ in points)
                add_rows(self.connection, _rows(ids, points))
                besides()
        except BaseException:
            # Ids that were made in the transaction are gone with it.
            self.index.forget()
            raise
        # Only now: what was rolled back is delivered again, and would be counted twice.
        counts = [summary.count for _, _, summary in points]
        self.losses.overflowed(sum(counts) - sum(map(bounded_count, counts)))
        return ids

    def delete_metrics(self, names: Collection[str]) -> None:
        """Delete metrics of these names, in any case; what was measured falls out of every query.

        Series ids are never used again, so its points go when they are old.
        """
        with transaction(self.connection):
            self.index.delete(names)
            self.connection.executemany(
                "DELETE FROM metric WHERE name = ?", [[name] for name in names]
            )

    def maintenance(self, now: float) -> bool:
        """Do some of what is due by Unix time `now`, a second of work at most.

        Returns whether there may be more.
        """
        # What is deleted first need not be rolled up.
        return (
            prune(self.connection, self._tiers, now)
            or self._delete_old_series(now)
            or evict_when_nearly_full(self.connection, len(self._tiers))
            or roll_up(self.connection, self._tiers, now, self.losses)
        )

    def evict(self) -> bool:
        """Delete the oldest of a file that is full; return whether that was so."""
        return is_full(self.connection, self._max_bytes) and evict(
            self.connection, len(self._tiers)
        )

    def _delete_old_series(self, now: float) -> bool:
        """Delete series without points; return whether there were any."""
        cutoff = now - self._tiers[-1].keep - self._tiers[-1].span
        return self.index.delete_old(now, cutoff)


def _rows(ids: Sequence[int], points: Sequence[Measurement]) -> list[KeyedRow]:
    return [
        (key(0, start, series_id), *row_for(series.kind, summary))
        for series_id, (series, start, summary) in zip(ids, points, strict=True)
    ]


def row_for(kind: str, summary: Summary) -> Row:
    """Return the row of a summary of a series of this kind."""
    return counter_row(summary) if kind == COUNTER else row_of(summary)
