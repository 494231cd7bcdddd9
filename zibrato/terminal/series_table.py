"""What `zibrato top` knows of every series: pure, but for a lock; nothing is drawn here."""

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
    """An interval has what no list had: all must be loaded anew."""


class SeriesJson(msgspec.Struct):
    """A series as the page lists it; `spark` is decoded only if it is drawn."""

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
    """All series, as of the update of this number; `interval` is in seconds."""

    updates: int
    interval: float
    series: list[SeriesJson]


class IntervalJson(msgspec.Struct):
    """What was measured in an interval."""

    start: float
    end: float
    points: list[Point]


class Row:
    """A series: what it is called in one line, and how it was of late."""

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
        # A timer has no value but its percentiles, of which the list tells one.
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
        """Add an interval: it may be an older one, or more of the same."""
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
        """Return the values of the `width` intervals up to the one of the slot `newest`."""
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
"""What rows may be sorted by."""


class SeriesTable:
    """All series; one thread feeds it, another looks at it.

    `newest` is the slot of the newest interval: how many of its length there were since 1970.
    """

    def __init__(self) -> None:
        self.version = 0
        """Changes with all that is to be seen."""
        self.problem: str | None = "connecting"
        """Why it is not live."""
        self.newest = 0
        self.interval = 10.0
        self._updates = 0
        self._rows: dict[int, Row] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._rows)

    def load(self, body: bytes) -> None:
        """Hold what a list has, in place of all that was there; raises ValueError for no list."""
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
        """Add what a live event tells, unless the list had it already.

        Raises ValueError for what is none, and UnknownSeriesError.
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
        """Say why it is not live any more."""
        self.problem = problem
        self.version += 1

    def view(self, text: str, order: str) -> list[Row]:
        """Return the rows that have all words of a text, in an order; rates that are old go."""
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
        """Return the row of a series that is new: what it has comes in the next event as well."""
        bare = msgspec.structs.replace(series, spark=msgspec.Raw(b"[]"))
        return Row(bare, 0, self.newest)


def label(series: SeriesJson) -> str:
    """Return a series in one line: its name, source and tags, and its level if that isn't info."""
    tags = [f"{name}={value}" for name, value in sorted(series.tags.items())]
    level = [] if series.level == "info" else [series.level]
    return " ".join([series.name, series.source, *tags, *level])
