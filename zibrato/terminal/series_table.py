"""The table of series for `zibrato top`: pure except for a lock; nothing is drawn here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import TypeAlias

import msgspec

from zibrato.model import COUNTER, TIMER
from zibrato.printable import printable

INTERVALS = 60
STALE = 3
"""Intervals without a measurement after which a series has no rate any more."""
MAX_ROWS = 400_000
Number: TypeAlias = float | None
Point: TypeAlias = tuple[
    int, Number, Number, Number, Number, Number, Number, Number, Number
]  # id, count, sum, min, max, last, p50, p95, p99
Column: TypeAlias = Sequence[Number]


class UnknownSeriesError(Exception):
    """An interval has a series that wasn't listed: the list has to be loaded again."""


class SeriesJson(msgspec.Struct):
    """A series as the page lists it; `spark` is decoded only when it is drawn."""

    id: int
    kind: str
    name: str
    source: str
    tags: Mapping[str, str]
    level: str
    last: Number
    rate: Number
    seen: float
    spark: msgspec.Raw


class SeriesList(msgspec.Struct):
    """All series as of the update with this number; `interval` is in seconds."""

    updates: int
    interval: float
    series: list[SeriesJson]


class IntervalJson(msgspec.Struct):
    """The measurements of an interval."""

    start: float
    end: float
    points: list[Point]


class Row:
    """A series: its label in one line, and its recent values."""

    __slots__ = (
        "_recent", "_spark", "_spark_slot", "folded", "kind", "label", "level", "p50", "p95", "p99",
        "rate", "slot", "value",
    )  # fmt: skip

    def __init__(self, series: SeriesJson, slot: int, spark_slot: int) -> None:
        self.kind = series.kind
        self.level = series.level
        self.label = printable(label(series))
        self.folded = self.label.casefold()
        self.rate = series.rate
        # A timer's only values are its percentiles, and the list has one of them.
        is_timer = self.kind == TIMER
        self.value: Number = None if is_timer else series.last
        self.p95: Number = series.last if is_timer else None
        self.p50: Number = None
        self.p99: Number = None
        self.slot = slot
        self._spark: msgspec.Raw | Column = series.spark
        self._spark_slot = spark_slot
        self._recent: dict[int, float] | None = None

    def add(self, slot: int, seconds: float, point: Point) -> None:
        """Add an interval, which may be an older one, or more data of the same one."""
        _, count, total, _, _, last, p50, p95, p99 = point
        value = total if self.kind == COUNTER else p95 if self.kind == TIMER else last
        if value is None or count is None:
            return
        self._recent = recent = self._recent or {}
        if self.kind == COUNTER:
            value += recent.get(slot, 0.0)
        recent[slot] = value
        if len(recent) > INTERVALS:
            del recent[min(recent)]
        if slot >= self.slot:
            self.slot = slot
            self.value = None if self.kind == TIMER else value
            self.rate = (value if self.kind == COUNTER else count) / seconds
            self.p50, self.p95, self.p99 = p50, p95, p99

    def spark(self, newest: int, width: int) -> Column:
        """Return the values of `width` intervals, up to the one in slot `newest`."""
        if isinstance(self._spark, msgspec.Raw):
            self._spark = msgspec.json.decode(self._spark, type=list[float | None])
        before, recent = self._spark, self._recent or {}
        first = self._spark_slot - len(before) + 1
        values = []
        for slot in range(newest - width + 1, newest + 1):
            old = before[slot - first] if first <= slot <= self._spark_slot else None
            values.append(recent.get(slot, old))
        return values


ORDERS: Mapping[str, Callable[[Row], tuple[bool, float | str]]] = {
    "rate": lambda row: (row.rate is None, -(row.rate or 0.0)),
    "name": lambda row: (False, row.folded),
    "value": lambda row: (row.value is None, -(row.value or 0.0)),
    "p99": lambda row: (row.p99 is None, -(row.p99 or 0.0)),
}
"""The keys that rows may be sorted by."""


class SeriesTable:
    """All series; one thread updates the table, another one reads it.

    `newest` is the slot of the newest interval, which is the number of intervals since 1970.
    """

    def __init__(self) -> None:
        self.version = 0
        """Changes whenever there is something new to draw."""
        self.problem: str | None = "connecting"
        """Why the table isn't live."""
        self.newest = 0
        self.interval = 10.0
        self._updates = 0
        self._rows: dict[int, Row] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._rows)

    def load(self, body: bytes) -> None:
        """Replace everything by a list; raises ValueError if `body` isn't a list."""
        content = msgspec.json.decode(body, type=SeriesList)
        if content.interval <= 0:
            raise ValueError("an interval has no length")
        newest = max((int(one.seen // content.interval) for one in content.series), default=0)
        self.interval, self.newest = content.interval, newest
        rows = {one.id: self._row(one) for one in content.series}
        with self._lock:
            self._updates, self._rows = content.updates, rows
        self.problem = None
        self.version += 1

    def add_event(self, name: str, number: int, data: bytes) -> None:
        """Add a live event, unless the list already includes it.

        Raises ValueError if it is invalid, and UnknownSeriesError.
        """
        if number <= self._updates:
            return
        if name == "series":
            fresh = msgspec.json.decode(data, type=list[SeriesJson])
            with self._lock:
                self._rows.update((one.id, self._row_before(one)) for one in fresh)
            if len(self._rows) > MAX_ROWS:
                raise UnknownSeriesError
        elif name == "interval":
            self._add(msgspec.json.decode(data, type=IntervalJson))
        self.version += 1

    def lose(self, problem: str) -> None:
        """Set the reason why the table isn't live any more."""
        self.problem = problem
        self.version += 1

    def view(self, text: str, order: str) -> list[Row]:
        """Return the rows that contain all words of a text, sorted; outdated rates are removed."""
        words = text.casefold().split()
        with self._lock:
            rows = [*self._rows.values()]
        if words:
            rows = [row for row in rows if all(word in row.folded for word in words)]
        old = self.newest - STALE
        for row in rows:
            if row.slot < old:
                row.rate = None
        return sorted(rows, key=ORDERS[order])

    def _add(self, content: IntervalJson) -> None:
        seconds = content.end - content.start
        if seconds <= 0:
            raise ValueError("an interval has no length")
        slot = int(content.start // seconds)
        self.newest = max(self.newest, slot)
        rows = self._rows
        for point in content.points:
            row = rows.get(point[0])
            if row is None:
                raise UnknownSeriesError
            row.add(slot, seconds, point)

    def _row(self, series: SeriesJson) -> Row:
        return Row(series, int(series.seen // self.interval), self.newest)

    def _row_before(self, series: SeriesJson) -> Row:
        """Return the row of a new series, without its values, which the next event repeats."""
        bare = msgspec.structs.replace(series, spark=msgspec.Raw(b"[]"))
        return Row(bare, 0, self.newest)


def label(series: SeriesJson) -> str:
    """Return a series in one line: its name, source and tags, and its level unless that is info."""
    tags = [f"{name}={value}" for name, value in sorted(series.tags.items())]
    level = [] if series.level == "info" else [series.level]
    return " ".join([series.name, series.source, *tags, *level])
