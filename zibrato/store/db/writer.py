"""Everything that changes the measurements in the file; for one thread, blocking."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence

from zibrato.model import COUNTER, Series, Snapshot, Summary
from zibrato.store.db.codec import Row, bounded_count, counter_row, row_of
from zibrato.store.db.keys import key
from zibrato.store.db.losses import Losses
from zibrato.store.db.points import KeyedRow, add_rows, create_functions
from zibrato.store.db.retention import evict, evict_when_nearly_full, is_full, prune
from zibrato.store.db.rollup import roll_up
from zibrato.store.db.schema import transaction
from zibrato.store.db.tiers import Tier

SEEN = 3600
"""Seconds after which it is noted anew that a series was measured."""
Measurement = tuple[Series, int, Summary]
"""A series, the Unix time of the interval, and what was measured in it."""
_NEW = "INSERT INTO series (kind, name, source, tags, level, seen) VALUES (?, ?, ?, ?, ?, ?)"


class Writer:
    """Adds measurements; turns old rows into chunks and coarser rows; deletes the oldest.

    What that loses is in `losses`.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        tiers: Sequence[Tier],
        max_bytes: int,
        losses: Losses | None = None,
    ) -> None:
        self.connection = connection
        self.losses = losses or Losses()
        create_functions(connection, self.losses)
        self._tiers = tiers
        self._max_bytes = max_bytes
        steps = [(index, tier.step) for index, tier in enumerate(tiers)]
        connection.executemany("INSERT OR IGNORE INTO resolution VALUES (?, ?)", steps)
        self._ids: dict[Series, int] = {}
        self._seen: dict[int, int] = {}
        for series_id, seen, *identity in connection.execute(
            "SELECT id, seen, kind, name, source, tags, level FROM series"
        ):
            self._ids[series_from(*identity)] = series_id
            self._seen[series_id] = seen

    def add_snapshot(self, snapshot: Snapshot) -> list[int]:
        """Keep a snapshot, all of it or nothing; return the id of each of its series."""
        start = int(snapshot.start)
        return self.add(
            [(series, start, summary) for series, summary in snapshot.summaries.items()]
        )

    def add(
        self,
        points: Sequence[Measurement],
        besides: Callable[[], object] = lambda: None,
    ) -> list[int]:
        """Keep points, all or none, and do what is `besides` in the same transaction.

        Returns the series id of each point.
        """
        fresh: dict[Series, int] = {}
        with transaction(self.connection):
            ids = [
                self._ids.get(series) or self._new(fresh, series, start)
                for series, start, _ in points
            ]
            add_rows(self.connection, _rows(ids, points))
            besides()
            seen = self._note_seen(ids, points)
        counts = [summary.count for _, _, summary in points]
        self.losses.overflowed(sum(counts) - sum(map(bounded_count, counts)))
        self._ids.update(fresh)
        self._seen.update(seen)
        return ids

    def delete_metrics(self, names: Collection[str]) -> None:
        """Delete metrics of these names, in any case; what was measured falls out of every query.

        Series ids are never used again, so its points go when they are old.
        """
        lowered = {name.lower() for name in names}
        gone = [series for series in self._ids if series.name.lower() in lowered]
        with transaction(self.connection):
            self._delete_series([self._ids[series] for series in gone])
            self.connection.executemany(
                "DELETE FROM metric WHERE name = ?", [[name] for name in names]
            )
        for series in gone:
            self._seen.pop(self._ids.pop(series), None)

    def maintenance(self, now: float) -> bool:
        """Do some of what is due by Unix time `now`, a second of work at most.

        Returns whether there may be more.
        """
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

    def _new(self, fresh: dict[Series, int], series: Series, start: int) -> int:
        """Return the id of a series that is not in the file yet."""
        if series not in fresh:
            kind, name, source, tags, level = series
            row = (kind, name, source, tags_text(tags), level, start)
            self.connection.execute(
                "INSERT INTO metric (name) VALUES (?) ON CONFLICT DO NOTHING", (name,)
            )
            fresh[series] = self.connection.execute(_NEW, row).lastrowid or 0
        return fresh[series]

    def _note_seen(self, ids: Sequence[int], points: Sequence[Measurement]) -> dict[int, int]:
        """Note about once an hour when a series was last measured; return what was noted."""
        seen = {
            series_id: start
            for series_id, (_, start, _) in zip(ids, points, strict=True)
            if start >= self._seen.get(series_id, 0) + SEEN
        }
        self.connection.executemany(
            "UPDATE series SET seen = ? WHERE id = ?",
            [(start, series_id) for series_id, start in seen.items()],
        )
        return seen

    def _delete_old_series(self, now: float) -> bool:
        """Delete series without points; return whether there were any."""
        cutoff = now - self._tiers[-1].keep - self._tiers[-1].span
        old = {series_id for series_id, seen in self._seen.items() if seen < cutoff}
        if old:
            with transaction(self.connection):
                self._delete_series(old)
            self._ids = {
                series: series_id for series, series_id in self._ids.items() if series_id not in old
            }
            self._seen = {series_id: self._seen[series_id] for series_id in self._ids.values()}
        return bool(old)

    def _delete_series(self, ids: Iterable[int]) -> None:
        self.connection.executemany(
            "DELETE FROM series WHERE id = ?", [[series_id] for series_id in ids]
        )


def _rows(ids: Sequence[int], points: Sequence[Measurement]) -> list[KeyedRow]:
    return [
        (key(0, start, series_id), *row_for(series.kind, summary))
        for series_id, (series, start, summary) in zip(ids, points, strict=True)
    ]


def row_for(kind: str, summary: Summary) -> Row:
    """Return the row of a summary of a series of this kind."""
    return counter_row(summary) if kind == COUNTER else row_of(summary)


def tags_text(tags: Iterable[tuple[str, str]]) -> str:
    """Return sorted tags as the file has them."""
    return json.dumps(dict(tags), separators=(",", ":"), ensure_ascii=False) if tags else ""


def series_from(kind: str, name: str, source: str, tags: str, level: str) -> Series:
    """Return the series of a row of the table of that name."""
    pairs = tuple(sorted(json.loads(tags).items())) if tags else ()
    return Series(kind, name, source, pairs, level)
