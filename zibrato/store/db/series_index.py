"""The ids of series: a bounded number is in memory, those measured last; all are in the file."""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import msgspec

from zibrato.files.sqlite_file import transaction
from zibrato.model import Series
from zibrato.store.db.losses import Losses

MAX_SERIES = 100_000
"""The default for how many series are in memory."""
SEEN = 3600
"""Seconds after which the file is told again that a series was measured."""
_tags = msgspec.json.Decoder(dict[str, str]).decode
_SLICE = 10_000
"""How many old series are deleted at a time."""
_FIND = (
    "SELECT id, seen FROM series WHERE name = ? AND source = ? AND kind = ? AND tags = ? "
    "AND level = ?"
)
_NEW = "INSERT INTO series (name, source, kind, tags, level, seen) VALUES (?, ?, ?, ?, ?, ?)"
_DELETE_METRIC = """
    DELETE FROM metric WHERE name = ? AND NOT described
    AND NOT EXISTS (SELECT 1 FROM series WHERE series.name = metric.name COLLATE NOCASE)
"""
_NAMED = "SELECT id FROM series WHERE name = ? COLLATE NOCASE"


class SeriesIndex:
    """Finds or makes the ids of series; the `bound` series that were measured last are in memory.

    After a transaction was rolled back, ids that were made in it are wrong: call `forget`.
    """

    def __init__(self, connection: sqlite3.Connection, bound: int, losses: Losses) -> None:
        self._connection = connection
        self._bound = bound
        self._losses = losses
        self._known: OrderedDict[Series, tuple[int, int]] = OrderedDict()
        """Id and last-seen time (as in the file) by series; the least recently used come first."""
        self._checked = 0.0

    def __len__(self) -> int:
        """Return how many series are in memory."""
        return len(self._known)

    def ids(self, measured: Iterable[tuple[Series, int]]) -> list[int]:
        """Return the id of each series, measured at a Unix time; new series are stored.

        The file is updated about once an hour with the time at which a series was measured.
        """
        ids = []
        seen: list[tuple[int, int]] = []
        evicted = 0
        for series, start in measured:
            # A series is removed and put back at the end, so that the dict is in the order of use.
            known = (
                self._known.pop(series, None) or self._stored(series) or self._made(series, start)
            )
            series_id, noted = known
            if start >= noted + SEEN:
                seen.append((start, series_id))
                known = series_id, start
            self._known[series] = known
            if len(self._known) > self._bound:
                self._known.popitem(last=False)
                evicted += 1
            ids.append(series_id)
        self._connection.executemany("UPDATE series SET seen = ? WHERE id = ?", seen)
        self._losses.evicted(evicted)
        return ids

    def forget(self) -> None:
        """Clear the memory, so that everything is read from the file again."""
        self._known.clear()

    def delete(self, names: Iterable[str]) -> None:
        """Delete all series with these names, in any case."""
        ids = [row for name in names for row in self._connection.execute(_NAMED, (name,))]
        self._delete(ids)

    def delete_old(self, now: float, cutoff: float) -> bool:
        """Delete some series that were last seen before `cutoff`; return whether there were any.

        With the last series of a name the metric is deleted, unless somebody has described it. The
        search reads all series, so it is done only once an hour of the Unix times `now`.
        """
        # It is below 0 if the clock was set back, perhaps by years.
        if 0 <= now - self._checked < SEEN:
            return False
        query = "SELECT id, name FROM series WHERE seen < ? LIMIT ?"
        old = self._connection.execute(query, (cutoff, _SLICE)).fetchall()
        if not old:
            self._checked = now
            return False
        with transaction(self._connection):
            self._delete([(series_id,) for series_id, _ in old])
            self._connection.executemany(_DELETE_METRIC, {(name,) for _, name in old})
        return True

    def _delete(self, ids: Sequence[tuple[int]]) -> None:
        if ids:
            self._connection.executemany("DELETE FROM series WHERE id = ?", ids)
            gone = {series_id for (series_id,) in ids}
            for series in [one for one, (series_id, _) in self._known.items() if series_id in gone]:
                del self._known[series]

    def _stored(self, series: Series) -> tuple[int, int] | None:
        """Return id and last-seen time of a series from the file."""
        row = self._connection.execute(_FIND, _identity(series)).fetchone()
        return None if row is None else (row[0], row[1])

    def _made(self, series: Series, start: int) -> tuple[int, int]:
        """Store a series that isn't in the file yet, and return its id."""
        execute = self._connection.execute
        # For the API, what the daemon measures is a metric like any other, and can be described and
        # deleted.
        execute("INSERT INTO metric (name) VALUES (?) ON CONFLICT DO NOTHING", (series.name,))
        return execute(_NEW, (*_identity(series), start)).lastrowid or 0, start


def _identity(series: Series) -> tuple[str, str, str, str, str]:
    kind, name, source, tags, level = series
    return name, source, kind, tags_text(tags), level


def tags_text(tags: Iterable[tuple[str, str]]) -> str:
    """Return sorted tags as the JSON text that the file stores."""
    return json.dumps(dict(tags), separators=(",", ":"), ensure_ascii=False) if tags else ""


def series_from(kind: str, name: str, source: str, tags: str, level: str) -> Series:
    """Return the series of a row of the table `series`; raises ValueError for corrupt tags."""
    pairs = tuple(sorted(_tags(tags).items())) if tags else ()
    return Series(kind, name, source, pairs, level)
