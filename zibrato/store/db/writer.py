"""Everything that changes the measurements in the file; for one thread, blocking."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence

from zibrato.model import COUNTER, Series, Snapshot, Summary
from zibrato.store.db.codec import Row, counter_row, row_of
from zibrato.store.db.keys import Tier, key
from zibrato.store.db.points import KeyedRow, add_rows
from zibrato.store.db.retention import at_bound, make_room, prune, shrink
from zibrato.store.db.rollup import settle
from zibrato.store.db.schema import transaction

SEEN = 3600
_NEW = "INSERT INTO series (kind, name, source, tags, level, seen) VALUES (?, ?, ?, ?, ?, ?)"


class Writer:
    """Adds measurements; turns old rows into chunks and coarser rows; deletes the oldest."""

    def __init__(
        self, connection: sqlite3.Connection, levels: Sequence[Tier], max_bytes: int
    ) -> None:
        self.connection = connection
        self._levels = levels
        self._max_bytes = max_bytes
        steps = [(level, each.step) for level, each in enumerate(levels)]
        connection.executemany("INSERT OR IGNORE INTO resolution VALUES (?, ?)", steps)
        self._ids: dict[Series, int] = {}
        self._seen: dict[int, int] = {}
        for number, seen, *identity in connection.execute(
            "SELECT id, seen, kind, name, source, tags, level FROM series"
        ):
            self._ids[series_from(*identity)] = number
            self._seen[number] = seen

    def add_snapshot(self, snapshot: Snapshot) -> list[int]:
        """Keep a snapshot, all of it or nothing; return the number of each of its series."""
        start = int(snapshot.start)
        return self.add([(series, start, each) for series, each in snapshot.summaries.items()])

    def add(
        self,
        points: Sequence[tuple[Series, int, Summary]],
        besides: Callable[[], object] = lambda: None,
    ) -> list[int]:
        """Keep points, all or none, and do what is `besides` in the same transaction.

        Returns the number of each point's series.
        """
        fresh: dict[Series, int] = {}
        with transaction(self.connection):
            numbers = [
                self._ids.get(series) or self._new(fresh, series, start)
                for series, start, _ in points
            ]
            add_rows(self.connection, _rows(numbers, points))
            besides()
            seen = self._note_seen(numbers, points)
        self._ids.update(fresh)
        self._seen.update(seen)
        return numbers

    def forget(self, names: Collection[str]) -> None:
        """Delete metrics of these names, in any case; what was measured falls out of every query.

        Numbers of series are never used again, so its points go when they are old.
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

    def upkeep(self, now: float) -> bool:
        """Do some of what is due by Unix time `now`, a second of work at most; return if there
        may be more."""
        return (
            prune(self.connection, self._levels, now)
            or self._drop_old_series(now)
            or shrink(self.connection, len(self._levels))
            or settle(self.connection, self._levels, now, self._seen)
        )

    def make_room(self) -> bool:
        """Delete the oldest of a file that is at its bound; return whether that was so."""
        full = at_bound(self.connection, self._max_bytes)
        return full and make_room(self.connection, len(self._levels))

    def _new(self, fresh: dict[Series, int], series: Series, start: int) -> int:
        """Return the number of a series that is not in the file yet."""
        if series not in fresh:
            kind, name, source, tags, level = series
            row = (kind, name, source, tags_text(tags), level, start)
            self.connection.execute(
                "INSERT INTO metric (name) VALUES (?) ON CONFLICT DO NOTHING", (name,)
            )
            fresh[series] = self.connection.execute(_NEW, row).lastrowid or 0
        return fresh[series]

    def _note_seen(
        self, numbers: Sequence[int], points: Sequence[tuple[Series, int, Summary]]
    ) -> dict[int, int]:
        """Note about once an hour when a series was last measured; return what was noted."""
        known = self._seen
        seen = {
            number: point[1]
            for number, point in zip(numbers, points, strict=True)
            if point[1] >= known.get(number, 0) + SEEN
        }
        self.connection.executemany(
            "UPDATE series SET seen = ? WHERE id = ?",
            [(when, number) for number, when in seen.items()],
        )
        return seen

    def _drop_old_series(self, now: float) -> bool:
        """Delete series without points; return whether there were any."""
        cutoff = now - self._levels[-1].keep - self._levels[-1].span
        gone = [number for number, seen in self._seen.items() if seen < cutoff]
        if gone:
            with transaction(self.connection):
                self._delete_series(gone)
            dead = set(gone)
            self._ids = {each: number for each, number in self._ids.items() if number not in dead}
            self._seen = {number: self._seen[number] for number in self._ids.values()}
        return bool(gone)

    def _delete_series(self, numbers: Iterable[int]) -> None:
        rows = [[number] for number in numbers]
        self.connection.executemany("DELETE FROM series WHERE id = ?", rows)


def _rows(numbers: Sequence[int], points: Sequence[tuple[Series, int, Summary]]) -> list[KeyedRow]:
    return [
        (key(0, start, number), *row_for(series.kind, summary))
        for number, (series, start, summary) in zip(numbers, points, strict=True)
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
