"""The ids of series: those measured last are in memory, so many at most; all are in the file."""

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
"""How many series are in memory where nothing else is said."""
SEEN = 3600
"""Seconds after which it is noted anew that a series was measured."""
_tags = msgspec.json.Decoder(dict[str, str]).decode
_SLICE = 10_000
"""How many series are deleted at a time, for being old."""
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
    """Finds and makes the ids of series; the `bound` that were measured last it has in memory.

    What is asked for within a transaction that is rolled back may be wrong: then, `forget`.
    """

    def __init__(self, connection: sqlite3.Connection, bound: int, losses: Losses) -> None:
        self._connection = connection
        self._bound = bound
        self._losses = losses
        self._known: OrderedDict[Series, tuple[int, int]] = OrderedDict()
        """The id of a series, and when the file has it as last seen; the oldest use first."""
        self._checked = 0.0

    def __len__(self) -> int:
        """Return how many series are in memory."""
        return len(self._known)

    def ids(self, measured: Iterable[tuple[Series, int]]) -> list[int]:
        """Return the id of each series, measured at a Unix time; new ones are made.

        About once an hour the file is told when a series was measured.
        """
        ids = []
        seen: list[tuple[int, int]] = []
        evicted = 0
        for series, start in measured:
            # Popped, and put back at the end: so the dict is in the order of use.
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
        """Ask the file for everything anew."""
        self._known.clear()

    def delete(self, names: Iterable[str]) -> None:
        """Delete the series of these names, in any case."""
        ids = [row for name in names for row in self._connection.execute(_NAMED, (name,))]
        self._delete(ids)

    def delete_old(self, now: float, cutoff: float) -> bool:
        """Delete some series last seen before a time; return whether there were any.

        With the last of a name goes the metric, unless somebody has described it.
        To look for them takes reading all, so it is done once an hour of the Unix times `now`.
        """
        # Where it is below 0 the clock was set back, perhaps by years.
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
        """Return id and last noted time of a series that the file has."""
        row = self._connection.execute(_FIND, _identity(series)).fetchone()
        return None if row is None else (row[0], row[1])

    def _made(self, series: Series, start: int) -> tuple[int, int]:
        """Return the id of a series that is not in the file yet."""
        execute = self._connection.execute
        # To the API, what the daemon measures is a metric as any other, to be described or deleted.
        execute("INSERT INTO metric (name) VALUES (?) ON CONFLICT DO NOTHING", (series.name,))
        return execute(_NEW, (*_identity(series), start)).lastrowid or 0, start


def _identity(series: Series) -> tuple[str, str, str, str, str]:
    kind, name, source, tags, level = series
    return name, source, kind, tags_text(tags), level


def tags_text(tags: Iterable[tuple[str, str]]) -> str:
    """Return sorted tags as the file has them."""
    return json.dumps(dict(tags), separators=(",", ":"), ensure_ascii=False) if tags else ""


def series_from(kind: str, name: str, source: str, tags: str, level: str) -> Series:
    """Return the series of a row of the table of that name; raises ValueError for corrupt tags."""
    pairs = tuple(sorted(_tags(tags).items())) if tags else ()
    return Series(kind, name, source, pairs, level)
