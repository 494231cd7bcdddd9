"""Questions to the file; for any thread, blocking, each over one consistent state."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import ceil
from typing import NamedTuple

from zibrato.model import Series, Summary
from zibrato.store.db.codec import Point, Row, combined_summary, decode_points
from zibrato.store.db.keys import Tier, fitting, key, series_of, start_of
from zibrato.store.db.schema import transaction
from zibrato.store.db.writer import series_from

_FIND = """
    WITH RECURSIVE slot (p) AS (
        SELECT (SELECT key FROM {table} WHERE key >= :low AND key < :high ORDER BY key LIMIT 1)
            >> 27
        UNION ALL
        SELECT (SELECT key FROM {table} WHERE key >= (p + 1) << 27 AND key < :high
            ORDER BY key LIMIT 1) >> 27
        FROM slot WHERE p IS NOT NULL
    )
    SELECT found.* FROM slot CROSS JOIN json_each(:ids) AS wanted
    JOIN {table} AS found ON found.key = (p << 27) | wanted.value
    WHERE p IS NOT NULL
"""
_FIND_POINTS = _FIND.format(table="point")
_FIND_CHUNKS = _FIND.format(table="chunk")
_SERIES = "SELECT id, kind, name, source, tags, level FROM series"
_NAMED = f"{_SERIES} WHERE name = ? COLLATE NOCASE"
_NUMBERED = f"{_SERIES} WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608 - all ours


class Plot(NamedTuple):
    """The answer to a query: a step in seconds, and rows by series and start of their slot."""

    step: int
    slots: dict[int, dict[int, list[Row]]]

    def times(self) -> list[int]:
        """Return the starts at which any series has something, in order."""
        return sorted({start for each in self.slots.values() for start in each})

    def merged(self, start: int) -> Summary | None:
        """Return the summary over all series of the slot that starts at `start`."""
        rows = [row for each in self.slots.values() for row in each.get(start, ())]
        return combined_summary(rows) if rows else None


class Reader:
    """Answers from a `connection`, with the `levels` that the writer of the file has."""

    def __init__(self, connection: sqlite3.Connection, levels: Sequence[Tier]) -> None:
        self.connection = connection
        self.levels = levels

    def series(self, name: str | None = None) -> dict[int, Series]:
        """Return the series of a name, in any case, or all; by their number."""
        query, values = (_SERIES, ()) if name is None else (_NAMED, (name,))
        found = self.connection.execute(query, values)
        return {number: series_from(*identity) for number, *identity in found}

    def series_of_numbers(self, numbers: Sequence[int]) -> dict[int, Series]:
        """Return those of the numbered series that there are."""
        found = self.connection.execute(_NUMBERED, (json.dumps(numbers),))
        return {number: series_from(*identity) for number, *identity in found}

    def plot(
        self, numbers: Sequence[int], start: float, end: float, now: float, points: int = 600
    ) -> Plot:
        """Return about `points` slots of the series from `start` to before `end`.

        They are fewer, down to half as many, where that saves reading a finer resolution.
        """
        step = max(1, ceil((end - start) / points))
        level = fitting(self.levels, now, start, 2 * step)
        return self._slots(numbers, start, end, step, level)

    def slots(
        self, numbers: Sequence[int], start: float, end: float, now: float, step: int
    ) -> Plot:
        """Return the series in slots of at least `step` seconds, as fine as the file has them."""
        return self._slots(numbers, start, end, step, fitting(self.levels, now, start, step))

    def _slots(
        self, numbers: Sequence[int], start: float, end: float, step: int, level: int
    ) -> Plot:
        finest = self.levels[level].step
        step = ceil(step / finest) * finest
        first = int(start // step * step)
        slots: dict[int, dict[int, list[Row]]] = {
            number: defaultdict(list) for number in dict.fromkeys(numbers)
        }
        for number, found, row in self.rows(list(slots), first, ceil(end), level):
            slots[number][found - found % step].append(row)
        return Plot(step, slots)

    def rows(
        self, numbers: Sequence[int], start: int, end: int, level: int
    ) -> Iterator[tuple[int, int, Row]]:
        """Generate number, start and row of all points of a level, a series' oldest first.

        What has not come to that level yet is in rows of the finer ones.
        """
        ids = json.dumps(numbers)
        with transaction(self.connection, "DEFERRED"):
            for number, point in self._settled(ids, start, end, level):
                yield number, *point
            for finer in range(level, -1, -1):
                step = self.levels[finer].step
                span = {"low": key(finer, start - start % step), "high": key(finer, end)}
                for found, *row in self.connection.execute(_FIND_POINTS, {**span, "ids": ids}):
                    yield series_of(found), start_of(found), tuple(row)

    def _settled(self, ids: str, start: int, end: int, level: int) -> Iterator[tuple[int, Point]]:
        step, _, span, _ = self.levels[level]
        bounds = {"low": key(level, start // span * span), "high": key(level, end), "ids": ids}
        for found, chunk in self.connection.execute(_FIND_CHUNKS, bounds):
            number = series_of(found)
            for point in decode_points(chunk, start_of(found)):
                if start - step < point[0] < end:
                    yield number, point
