"""Queries of the file, each over one consistent state; blocking, for any thread."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from math import ceil
from typing import NamedTuple, TypeVar

from zibrato.files.sqlite_file import transaction
from zibrato.model import Series, Summary
from zibrato.store.db.codec import Point, Row, merged_summary
from zibrato.store.db.keys import SERIES_BITS, key, series_id_of, start_of
from zibrato.store.db.losses import Losses
from zibrato.store.db.query import Query
from zibrato.store.db.series_index import series_from
from zibrato.store.db.soundness import sound_points, sound_rows
from zibrato.store.db.tiers import Tier, tier_index

PERCENTILES = (50, 95, 99)
"""The percentiles of a timer in the store's answers."""
# This is a skip scan. `slot` has the starts (shifted as in a key) at which the range has any row.
# One seek finds each of them, past all series of the start before: the recursive part asks for the
# first key from the next start on. At every such start, one seek finds each wanted series. So the
# cost of a query is starts x series, and it doesn't read the rows of the thousands of other series
# in between. CROSS JOIN keeps SQLite from swapping the loops.
_FIND = """
    WITH RECURSIVE slot (p) AS (
        SELECT (SELECT key FROM {table} WHERE key >= :low AND key < :high ORDER BY key LIMIT 1)
            >> {bits}
        UNION ALL
        SELECT (SELECT key FROM {table} WHERE key >= (p + 1) << {bits} AND key < :high
            ORDER BY key LIMIT 1) >> {bits}
        FROM slot WHERE p IS NOT NULL
    )
    SELECT found.* FROM slot CROSS JOIN json_each(:ids) AS wanted
    JOIN {table} AS found ON found.key = (p << {bits}) | wanted.value
    WHERE p IS NOT NULL
"""
T = TypeVar("T")
_FIND_POINTS = _FIND.format(table="point", bits=SERIES_BITS)
_FIND_CHUNKS = _FIND.format(table="chunk", bits=SERIES_BITS)
_SERIES = "SELECT id, kind, name, source, tags, level FROM series"
_BY_NAME = f"{_SERIES} WHERE name = ? COLLATE NOCASE"
# All names with a prefix are one range in the index of names, up to the last code point.
_PREFIXED = f"{_SERIES} WHERE name COLLATE NOCASE BETWEEN ? AND ? || char(1114111)"
_BY_IDS = f"{_SERIES} WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608 - only constants


class Plot(NamedTuple):
    """The answer to a query: a step in seconds, and rows by series id and start of their slot."""

    step: int
    slots: dict[int, dict[int, list[Row]]]
    raise_if_ended: Callable[[], None] = Query().raise_if_ended
    """Call this for each series: the query may have ended because nobody waits for it any more."""

    def times(self) -> list[int]:
        """Return the starts at which any series has a row, in order."""
        return sorted({start for slots in self.slots.values() for start in slots})

    def merged(self, start: int) -> Summary | None:
        """Return the summary of the slot that starts at `start`, over all series."""
        self.raise_if_ended()
        rows = [row for slots in self.slots.values() for row in slots.get(start, ())]
        return merged_summary(rows) if rows else None


class Reader:
    """Answers queries over a `connection`; `tiers` are those of the file's writer.

    Corrupt data is left out of the answers and noted in `losses`.
    """

    def __init__(
        self, connection: sqlite3.Connection, tiers: Sequence[Tier], losses: Losses | None = None
    ) -> None:
        self.connection = connection
        self.tiers = tiers
        self.losses = losses or Losses()
        self._query = Query()

    def answer(self, work: Callable[[Reader], T], query: Query) -> T:
        """Return what `work` returns; raises sqlite3.OperationalError if the query ends first.

        The end of a query also interrupts a running SQL statement. Work that goes through many rows
        in Python has to call `raise_if_ended`, of the reader or the plot, from time to time.
        """
        self._query = query
        query.watch(self.connection)
        try:
            return work(self)
        except sqlite3.OperationalError:
            query.raise_if_ended()  # SQLite's own error says only that it was interrupted
            raise
        finally:
            self._query = Query()
            self.connection.set_progress_handler(None, 0)

    def raise_if_ended(self) -> None:
        """Raise sqlite3.OperationalError if the query has ended; for long work in Python."""
        self._query.raise_if_ended()

    def series(self, name: str | None = None) -> dict[int, Series]:
        """Return the series with a name, in any case, or all series; by series id."""
        return self._series(_SERIES, ()) if name is None else self._series(_BY_NAME, (name,))

    def series_like(self, pattern: str) -> Iterator[tuple[int, Series]]:
        """Generate id and series of all whose names may match a pattern, in which * is any text.

        This returns the series that share the part of the pattern before its first *, and reads
        only these.
        """
        prefix, wildcard, _ = pattern.partition("*")
        query, values = (_PREFIXED, (prefix, prefix)) if wildcard else (_BY_NAME, (prefix,))
        for number, one in enumerate(self._found(query, values)):
            if number % 1000 == 0:
                self._query.raise_if_ended()
            yield one

    def newest_series(self, count: int) -> dict[int, Series]:
        """Return the `count` series that were seen last, the newest at the end."""
        newest = self._series(f"{_SERIES} ORDER BY seen DESC, id DESC LIMIT ?", (count,))
        return dict(reversed(newest.items()))

    def series_by_ids(self, ids: Sequence[int]) -> dict[int, Series]:
        """Return the series with these ids, as far as they exist."""
        return self._series(_BY_IDS, (json.dumps(ids),))

    def _series(self, query: str, values: tuple[str | int, ...]) -> dict[int, Series]:
        return dict(self._found(query, values))

    def _found(self, query: str, values: Sequence[str | int]) -> Iterator[tuple[int, Series]]:
        for series_id, *identity in self.connection.execute(query, values):
            try:
                yield series_id, series_from(*identity)
            except (ValueError, TypeError):  # not JSON, or not an object of strings
                self.losses.corrupt("tag", series_id)

    def plot(
        self, ids: Sequence[int], start: float, end: float, now: float, points: int = 600
    ) -> Plot:
        """Return about `points` slots of the series from `start` to before `end`.

        There may be fewer, down to half as many, if that avoids reading a finer tier.
        """
        step = max(1, ceil((end - start) / points))
        return self._slots(ids, start, end, step, tier_index(self.tiers, now, start, 2 * step))

    def slots(self, ids: Sequence[int], start: float, end: float, now: float, step: int) -> Plot:
        """Return the series in slots of at least `step` seconds, as fine as the file has them."""
        return self._slots(ids, start, end, step, tier_index(self.tiers, now, start, step))

    def _slots(self, ids: Sequence[int], start: float, end: float, step: int, index: int) -> Plot:
        finest = self.tiers[index].step
        step = ceil(step / finest) * finest
        first = int(start // step * step)
        slots: dict[int, dict[int, list[Row]]] = {
            series_id: defaultdict(list) for series_id in dict.fromkeys(ids)
        }
        for number, (series_id, time, row) in enumerate(
            self.rows(list(slots), first, ceil(end), index)
        ):
            if number % 1000 == 0:
                self._query.raise_if_ended()
            slots[series_id][time - time % step].append(row)
        return Plot(step, slots, self._query.raise_if_ended)

    def rows(
        self, ids: Sequence[int], start: int, end: int, index: int
    ) -> Iterator[tuple[int, int, Row]]:
        """Generate series id, start and row of all points of a tier, oldest first for each series.

        `start` is a multiple of the tier's step. Points that haven't been rolled up to this tier
        yet are read from the rows of the finer tiers.
        """
        wanted = json.dumps(ids)
        # Read one state of the file during the whole query, because a rollup moves rows between
        # tables.
        with transaction(self.connection, "DEFERRED"):
            for series_id, point in self._compacted(wanted, start, end, index):
                yield series_id, *point
            # Start with the coarsest tier: what isn't rolled up yet is newer in finer tiers.
            for finer in range(index, -1, -1):
                values = {"low": key(finer, start), "high": key(finer, end), "ids": wanted}
                stored = self.connection.execute(_FIND_POINTS, values)
                for row_key, row in sound_rows(stored, self.losses):
                    yield series_id_of(row_key), start_of(row_key), row

    def _compacted(self, ids: str, start: int, end: int, index: int) -> Iterator[tuple[int, Point]]:
        """Generate series id and point of the chunks of a tier."""
        span = self.tiers[index].span
        # The chunk that contains `start` begins before it.
        values = {"low": key(index, start // span * span), "high": key(index, end), "ids": ids}
        for chunk_key, chunk in self.connection.execute(_FIND_CHUNKS, values):
            series_id = series_id_of(chunk_key)
            for point in sound_points(chunk_key, chunk, self.losses):
                if start <= point[0] < end:
                    yield series_id, point
