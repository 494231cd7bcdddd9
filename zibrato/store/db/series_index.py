"""The ids of series: a bounded number is in memory, those measured last; all are in the file."""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager

import msgspec

from zibrato.files.sqlite_file import transaction
from zibrato.model import Series
from zibrato.store.db.keys import MAX_SERIES_ID
from zibrato.store.db.losses import Losses
from zibrato.store.db.schema import SERIES_BYTES
from zibrato.store.db.series_bounds import SLICE, SeriesTotal, delete_first_rows, oldest, size_of
from zibrato.store.db.tiers import Tier

MAX_SERIES = 100_000
"""The default for how many series are in memory."""
SEEN = 3600
"""Seconds after which the file is told again, at the latest, that a series was measured.

A series is due when the file is to be told again: at once if the series is new, and later the older
it is. The column `seen` is that time less `SEEN`. So a series that is still measured is always
seen later than a name that came once, even if that name came only now.
"""
NO_ROOM = 0
"""The id of a series that can't be stored."""
_Deleted = tuple[int, str, int]
"""Id, name and bytes of a series that is deleted."""
_Known = tuple[int, int, int, int]
"""Id of a series, the Unix time at which it is due, that of its first measurement, and weight."""
_tags = msgspec.json.Decoder(dict[str, str]).decode
_FIND = (
    "SELECT id, seen, made FROM series WHERE name = ? AND source = ? AND kind = ? AND tags = ? "
    "AND level = ?"
)
_NEW = """
    INSERT INTO series (name, source, kind, tags, level, seen, made) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_DELETE_METRIC = """
    DELETE FROM metric WHERE name = ? AND NOT described
    AND NOT EXISTS (SELECT 1 FROM series WHERE series.name = metric.name COLLATE NOCASE)
"""
_SERIES = f"SELECT id, name, {SERIES_BYTES} FROM series"  # noqa: S608 - only constants
_NAMED = f"{_SERIES} WHERE name = ? COLLATE NOCASE"
_SEEN_BEFORE = f"{_SERIES} WHERE seen < ? LIMIT ?"


class SeriesIndex:
    """Finds or makes the ids of series; those measured last are in memory, of the weight `bound`.

    All series together take at most a share of the file (see `series_bounds`). Beyond that, those
    measured longest ago are deleted, and `on_deleted` is called with their ids. Call `ids` and
    `delete` within a `transaction`.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        bound: int,
        losses: Losses,
        tiers: Sequence[Tier] = (),
        on_deleted: Callable[[Sequence[int]], None] = lambda _ids: None,
    ) -> None:
        self._connection = connection
        self._bound = bound
        self._losses = losses
        self._tiers = tiers
        self._on_deleted = on_deleted
        self._known: OrderedDict[Series, _Known] = OrderedDict()
        """The least recently used series come first."""
        self._weight = 0
        """The weight of the series in memory, which is at most the bound."""
        self._evicted = 0
        self._seen: list[tuple[int, int]] = []
        """New values of the column `seen`, each with a series id, that the file hasn't got yet."""
        self._total = SeriesTotal(connection)
        self._most: int | None = None
        """The most bytes that series may take during a call of `ids`; 0 once there is no room."""
        self._deleted: list[int] = []
        """Ids of series that the current transaction deleted to make room."""

    def __len__(self) -> int:
        """Return how many series are in memory."""
        return len(self._known)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end of the block, and then tell which series were deleted to make room.

        If the block raises, roll back, and clear the memory.
        """
        try:
            with transaction(self._connection):
                yield
        except BaseException:
            # Ids that were made in the transaction were rolled back with it.
            self._known.clear()
            self._weight = 0
            self._seen.clear()
            self._total.forget()
            self._deleted.clear()
            raise
        deleted, self._deleted = self._deleted, []
        if deleted:
            self._losses.series_deleted(len(deleted))
            self._on_deleted(deleted)

    def ids(self, measured: Sequence[tuple[Series, int]]) -> list[int]:
        """Return the id of each series, measured at a Unix time; new series are stored.

        To make room for new series, others are deleted, but none of this call. The id of a new
        series is `NO_ROOM` if that isn't enough.
        """
        ids: list[int] = []
        new: dict[Series, list[int]] = {}
        for place, (series, start) in enumerate(measured):
            known = self._taken(series) or self._stored(series)
            if known is None:
                new.setdefault(series, []).append(place)
                ids.append(NO_ROOM)
            else:
                ids.append(self._used(series, known, start))
        self._most = None
        for series, places in new.items():
            if made := self._made(series, measured[places[0]][1], ids):
                for place in places:
                    known = self._taken(series) or made
                    ids[place] = self._used(series, known, measured[place][1])
        self._connection.executemany("UPDATE series SET seen = ? WHERE id = ?", self._seen)
        self._seen.clear()
        self._total.write()
        self._losses.evicted(self._evicted)
        self._evicted = 0
        return ids

    def delete(self, names: Iterable[str]) -> None:
        """Delete all series with these names, in any case."""
        self._delete([row for name in names for row in self._connection.execute(_NAMED, (name,))])

    def delete_old(self, cutoff: float) -> bool:
        """Delete some series that were last measured before `cutoff`; return whether any were.

        With the last series of a name the metric is deleted, unless somebody has described it.
        """
        old = self._connection.execute(_SEEN_BEFORE, (cutoff - SEEN, SLICE)).fetchall()
        if old:
            with self.transaction():
                self._delete_with_metrics(old)
        return bool(old)

    def delete_excess(self) -> bool:
        """If series take more than their share, delete some; return whether any were deleted."""
        excess = self._total.bytes - self._total.most
        if excess <= 0:
            return False
        with self.transaction():
            return self._delete_oldest(excess, set())

    def _has_room(self, size: int, ids: Iterable[int]) -> bool:
        """Return whether there is room for a new series; others than `ids` are deleted for it."""
        taken = self._total.bytes + size
        if self._most is None:
            # If series take more than their share already, there may be millions to delete, which
            # is left to maintenance; here they only must not take even more.
            self._most = max(taken - size, self._total.most)
        if taken > self._most > 0:
            self._delete_oldest(taken - self._most + self._most // 16, set(ids))
            if self._total.bytes + size > self._most:
                self._most = 0
        return self._most > 0

    def _delete_oldest(self, size: int, kept: Set[int]) -> bool:
        old = oldest(self._connection, size, kept, len(kept))
        delete_first_rows(self._connection, self._tiers, old)
        self._delete_with_metrics([one[:3] for one in old])
        self._deleted += [one.id for one in old]
        return bool(old)

    def _delete_with_metrics(self, old: Sequence[_Deleted]) -> None:
        self._delete(old)
        self._connection.executemany(_DELETE_METRIC, {(name,) for _, name, _ in old})

    def _delete(self, old: Sequence[_Deleted]) -> None:
        if not old:
            return
        self._connection.executemany(
            "DELETE FROM series WHERE id = ?", [(series_id,) for series_id, _, _ in old]
        )
        self._total.add(-sum(size for _, _, size in old))
        self._total.write()
        gone = {series_id for series_id, _, _ in old}
        for series in [one for one, (series_id, *_) in self._known.items() if series_id in gone]:
            self._taken(series)

    def _taken(self, series: Series) -> _Known | None:
        """Take a series out of memory, if it is there."""
        known = self._known.pop(series, None)
        self._weight -= 0 if known is None else known[3]
        return known

    def _used(self, series: Series, known: _Known, start: int) -> int:
        """Put a series that was measured at `start` into memory, and return its id."""
        series_id, due, made, weight = known
        if start > due:
            due = start + min(2 * (start - made), SEEN)
            self._seen.append((due - SEEN, series_id))
            known = series_id, due, made, weight
        # The caller has removed the series, so that it is added at the end: in the order of use.
        self._known[series] = known
        self._weight += weight
        while self._weight > self._bound:
            self._taken(next(iter(self._known)))
            self._evicted += 1
        return series_id

    def _stored(self, series: Series) -> _Known | None:
        """Return a series from the file, if it is there."""
        row = self._connection.execute(_FIND, _identity(series)).fetchone()
        return None if row is None else (row[0], row[1] + SEEN, row[2], series.weight)

    def _made(self, series: Series, start: int, ids: Iterable[int]) -> _Known | None:
        """Store a series that isn't in the file yet; None if there is no room for it."""
        identity = _identity(series)
        size = size_of(identity)
        if not self._has_room(size, ids):
            return None
        execute = self._connection.execute
        # For the API, what the daemon measures is a metric like any other, and can be described and
        # deleted.
        execute("INSERT INTO metric (name) VALUES (?) ON CONFLICT DO NOTHING", (series.name,))
        self._total.add(size)
        series_id = execute(_NEW, (*identity, start - SEEN, start)).lastrowid or NO_ROOM
        if series_id > MAX_SERIES_ID:  # ids are never reused, as the file may have rows with them
            self._delete_with_metrics([(series_id, series.name, size)])
            self._most = 0
            return None
        return series_id, start, start, series.weight


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
