"""Everything that changes the measurements in the file; for one thread, blocking."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from ..model import COUNTER, Series, Snapshot, Summary
from .codec import Point, Row, combined, counter_row, decode_points, encode_points, row_of
from .layout import SERIES_BITS, Resolution, end_of, key, series_of, start_of
from .schema import transaction

KeyedRow = tuple[
    int, int, float, float | None, float | None, float | None, float | None, bytes | None
]
SLICE = 100_000
SEEN = 3600
_UPSERT = """
    INSERT INTO point VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
        count = count + excluded.count, sum = bounded(sum + excluded.sum),
        min = min(min, excluded.min), max = max(max, excluded.max),
        sum_squares = bounded(sum_squares + excluded.sum_squares), last = excluded.last,
        distribution = merged(distribution, sum, excluded.distribution, excluded.sum)
"""
_NEW = "INSERT INTO series (kind, name, source, tags, level, seen) VALUES (?, ?, ?, ?, ?, ?)"
_FIRST = "SELECT key FROM {} WHERE key >= ? AND key < ? ORDER BY key LIMIT 1"


class Writer:
    """Adds measurements; turns old rows into chunks and coarser rows; deletes the oldest."""

    def __init__(
        self, connection: sqlite3.Connection, levels: Sequence[Resolution], max_bytes: int
    ) -> None:
        self.connection = connection
        self._levels = levels
        self._max_pages = max_bytes // connection.execute("PRAGMA page_size").fetchone()[0]
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
            self.connection.executemany(_UPSERT, self._rows(numbers, points))
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
        return self._prune(now) or self._shrink() or self._settle(now)

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

    def _rows(
        self, numbers: Sequence[int], points: Sequence[tuple[Series, int, Summary]]
    ) -> list[KeyedRow]:
        """Return the rows of points in the order of their keys, which is how a tree grows best."""
        rows = [
            (key(0, start, number), *row_for(series.kind, summary))
            for number, (series, start, summary) in zip(numbers, points, strict=True)
        ]
        rows.sort(key=_by_key)
        return rows

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

    def _settle(self, now: float) -> bool:
        """Turn some rows of the oldest block that is complete into chunks and coarser rows."""
        for level, resolution in enumerate(self._levels):
            oldest = self._first("point", key(level, 0), end_of(level))
            if oldest is None:
                continue
            block = start_of(oldest) // resolution.span * resolution.span
            if block + resolution.span + resolution.settled <= now:
                self._settle_block(level, block)
                return True
        return False

    def _settle_block(self, level: int, block: int) -> None:
        """Settle the first series of a block, about `SLICE` rows of them."""
        end = block + self._levels[level].span
        starts = list(self._starts("point", level, block, end))
        first = min(
            series_of(self._first("point", key(level, start), key(level, start + 1)) or 0)
            for start in starts
        )
        past = first + max(1, SLICE // len(starts))
        ranges = [(key(level, start, first), key(level, start, past)) for start in starts]
        with transaction(self.connection):
            self._write_settled(level, block, self._grouped(ranges))
            self.connection.executemany("DELETE FROM point WHERE key >= ? AND key < ?", ranges)

    def _grouped(self, ranges: Iterable[tuple[int, int]]) -> dict[int, list[Point]]:
        """Return the points of each series that there still is, oldest first."""
        grouped: dict[int, list[Point]] = defaultdict(list)
        for each in ranges:
            for row_key, *row in self.connection.execute(
                "SELECT * FROM point WHERE key >= ? AND key < ?", each
            ):
                grouped[series_of(row_key)].append((start_of(row_key), tuple(row)))
        return {number: points for number, points in grouped.items() if number in self._seen}

    def _write_settled(self, level: int, block: int, grouped: dict[int, list[Point]]) -> None:
        coarser: list[KeyedRow] = []
        chunks = []
        for number, points in grouped.items():
            chunks.append(self._chunk(key(level, block, number), block, points))
            if level + 1 < len(self._levels):
                step = self._levels[level + 1].step
                coarser += [
                    (key(level + 1, start, number), *row) for start, row in coarsened(points, step)
                ]
        self.connection.executemany("INSERT OR REPLACE INTO chunk VALUES (?, ?)", chunks)
        coarser.sort(key=_by_key)
        self.connection.executemany(_UPSERT, coarser)

    def _chunk(self, chunk_key: int, block: int, points: list[Point]) -> tuple[int, bytes]:
        """Return a chunk with `points`, and those that it has already."""
        found = self.connection.execute("SELECT points FROM chunk WHERE key = ?", (chunk_key,))
        for (before,) in found:
            points = coarsened(sorted(decode_points(before, block) + points, key=_by_start), 1)
        return chunk_key, encode_points(points, block)

    def _prune(self, now: float) -> bool:
        """Delete a block that is past its time, and series without points."""
        for level, resolution in enumerate(self._levels):
            oldest = self._first("chunk", key(level, 0), end_of(level))
            if oldest is not None and start_of(oldest) + resolution.span < now - resolution.keep:
                self._delete_block(level, start_of(oldest))
                return True
        cutoff = now - self._levels[-1].keep - self._levels[-1].span
        gone = [number for number, seen in self._seen.items() if seen < cutoff]
        if gone:
            with transaction(self.connection):
                self._delete_series(gone)
            dead = set(gone)
            self._ids = {each: number for each, number in self._ids.items() if number not in dead}
            self._seen = {number: self._seen[number] for number in self._ids.values()}
        return bool(gone)

    def _shrink(self) -> bool:
        """Delete the oldest of the finest where the file has come near its bound."""
        pages, free = (
            self.connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count")
        )
        return pages - free > self._max_pages * 0.9 and self.make_room()

    def at_bound(self) -> bool:
        """Whether the file may grow no more."""
        (pages,) = self.connection.execute("PRAGMA page_count").fetchone()
        return bool(pages >= self._max_pages - 16)

    def make_room(self) -> bool:
        """Delete the oldest block of the finest level that has any; return if there was one."""
        for level in range(len(self._levels)):
            oldest = self._first("chunk", key(level, 0), end_of(level))
            if oldest is not None:
                self._delete_block(level, start_of(oldest))
                return True
        oldest = self._first("point", 0, end_of(0))
        if oldest is not None:
            with transaction(self.connection):
                past = (oldest >> SERIES_BITS) + 1 << SERIES_BITS
                self.connection.execute("DELETE FROM point WHERE key < ?", (past,))
        return oldest is not None

    def _delete_block(self, level: int, start: int) -> None:
        with transaction(self.connection):
            self.connection.execute(
                "DELETE FROM chunk WHERE key >= ? AND key < ?",
                (key(level, start), key(level, start + 1)),
            )

    def _delete_series(self, numbers: Iterable[int]) -> None:
        rows = [[number] for number in numbers]
        self.connection.executemany("DELETE FROM series WHERE id = ?", rows)

    def _starts(self, table: str, level: int, start: int, end: int) -> Iterator[int]:
        """Generate the starts, from `start` to before `end`, of which there is anything."""
        found = self._first(table, key(level, start), key(level, end))
        while found is not None:
            start = start_of(found)
            yield start
            found = self._first(table, key(level, start + 1), key(level, end))

    def _first(self, table: str, low: int, high: int) -> int | None:
        row = self.connection.execute(_FIRST.format(table), (low, high)).fetchone()
        return None if row is None else int(row[0])


def row_for(kind: str, summary: Summary) -> Row:
    """Return the row of a summary of a series of this kind."""
    return counter_row(summary) if kind == COUNTER else row_of(summary)


def coarsened(points: Iterable[Point], step: int) -> list[Point]:
    """Return points, oldest first, merged to one for each `step` seconds."""
    slots: dict[int, list[Row]] = defaultdict(list)
    for start, row in points:
        slots[start - start % step].append(row)
    return [(start, combined(rows)) for start, rows in slots.items()]


def tags_text(tags: Iterable[tuple[str, str]]) -> str:
    """Return sorted tags as the file has them."""
    return json.dumps(dict(tags), separators=(",", ":"), ensure_ascii=False) if tags else ""


def series_from(kind: str, name: str, source: str, tags: str, level: str) -> Series:
    """Return the series of a row of the table of that name."""
    pairs = tuple(sorted(json.loads(tags).items())) if tags else ()
    return Series(kind, name, source, pairs, level)


def _by_key(row: KeyedRow) -> int:
    return row[0]


def _by_start(point: Point) -> int:
    return point[0]
