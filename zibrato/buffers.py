"""Where instruments leave measurements, and how a sender takes them away.

The instrument's side is one call of a C function that takes no lock and never raises: `next()` of
an `itertools.count`, or `list.append`. Both are atomic under the interpreter's lock. The other
side belongs to one thread at a time: it learns how far a count has come by calling `next()` too,
and takes the front of a list by slicing, then deleting, while others append at its end.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from .model import COUNTER, TIMER, Series
from .wire import CounterRow, SampleRow, pack

CHUNK = 10_000
MAX_SERIES = 10_000


class Ticks:
    """Increments of a constant `value`; `tick()` adds one and returns nothing of meaning."""

    __slots__ = ("_seen", "tick", "value")

    def __init__(self, value: float) -> None:
        self.value = value
        self.tick: Callable[[], object] = count().__next__
        self._seen = 0

    def take(self) -> int:
        """Return how many increments came since the last call."""
        reached: Any = self.tick()
        fresh = int(reached - self._seen)
        self._seen = reached + 1
        return fresh


class Values:
    """Values of a series in the order of their recording; `append` takes any object."""

    __slots__ = ("_items", "append")

    def __init__(self) -> None:
        self._items: list[Any] = []
        self.append: Callable[[Any], object] = self._items.append

    def __len__(self) -> int:
        return len(self._items)

    def take(self, refused: Counter[str]) -> array[float]:
        """Return at most `CHUNK` values, the oldest; those that are no numbers are `refused`."""
        items = self._items[:CHUNK]
        del self._items[: len(items)]
        try:
            return array("d", items)
        except Exception:  # __float__ of a foreign object may raise anything
            return array("d", _numbers(items, refused))

    def clear(self) -> int:
        """Forget everything, and return how many values that was."""
        forgotten = len(self._items)
        del self._items[:forgotten]
        return forgotten


class Rows:
    """What one drain found: rows for a batch, and how many samples they hold."""

    __slots__ = ("counters", "gauges", "samples", "timers")

    def __init__(self) -> None:
        self.counters: list[CounterRow] = []
        self.timers: list[SampleRow] = []
        self.gauges: list[SampleRow] = []
        self.samples = 0

    def __len__(self) -> int:
        return len(self.counters) + len(self.timers) + len(self.gauges)

    def add_count(self, series: Series, events: int, total: float) -> None:
        """Add `events` increments, `total` together."""
        self.counters.append(CounterRow(*_identity(series), events, total))

    def add_samples(self, series: Series, samples: array[float]) -> None:
        """Add samples of a timer or a gauge."""
        rows = self.timers if series.kind == TIMER else self.gauges
        rows.append(SampleRow(*_identity(series), pack(samples)))
        self.samples += len(samples)


class Buffers:
    """The buffers of one client, a pair of them a series.

    Past `MAX_SERIES` series, measurements of new ones are dropped and counted, so that names made
    at run time can't fill the host's memory.
    """

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        """How many measurements were dropped, by reason, not yet reported."""
        self._ticks: dict[tuple[Series, float], Ticks] = {}
        self._values: dict[Series, Values] = {}
        self._surplus_ticks = Ticks(0)
        self._surplus_values = Values()

    def ticks(self, series: Series, value: float) -> Ticks:
        """Return the buffer of increments by `value` of a counter."""
        key = (series, value)
        if key not in self._ticks and len(self._ticks) >= MAX_SERIES:
            return self._surplus_ticks
        return self._ticks.setdefault(key, Ticks(value))

    def values(self, series: Series) -> Values:
        """Return the buffer of a series' values."""
        found = self._values.get(series)
        if found is not None:
            return found
        if len(self._values) >= MAX_SERIES:
            return self._surplus_values
        return self._values.setdefault(series, Values())

    def __len__(self) -> int:
        return len(self._ticks) + len(self._values)

    def drain(self) -> Iterator[Rows]:
        """Yield what was recorded, in rows of about `CHUNK` samples; belongs to one thread."""
        self._count_surplus()
        rows = Rows()
        for (series, value), ticks in list(self._ticks.items()):
            events = ticks.take()
            if events:
                rows.add_count(series, events, events * value)
        for series, values in list(self._values.items()):
            for _ in range(0, len(values), CHUNK):
                self._take(series, values, rows)
                if rows.samples + len(rows) * 10 >= CHUNK:
                    yield rows
                    rows = Rows()
        if rows:
            yield rows

    def _count_surplus(self) -> None:
        surplus = self._surplus_ticks.take() + self._surplus_values.clear()
        if surplus:
            self.dropped["max_series"] += surplus

    def _take(self, series: Series, values: Values, rows: Rows) -> None:
        samples = values.take(self.dropped)
        if not samples:
            return
        if series.kind == COUNTER:
            rows.add_count(series, len(samples), sum(samples))
        else:
            rows.add_samples(series, samples)

    def discard(self, reason: str) -> None:
        """Drop what was recorded, counted under `reason`."""
        for rows in self.drain():
            lost = rows.samples + sum(row.count for row in rows.counters)
            self.dropped[reason] += lost

    def restart(self) -> None:
        """Forget everything, in place: what a forked child holds is its parent's to send."""
        self._count_surplus()
        for ticks in self._ticks.values():
            ticks.take()
        for values in self._values.values():
            values.clear()
        self.dropped.clear()


def _identity(series: Series) -> tuple[str, str, str | None, dict[str, str]]:
    return series.name, series.level, series.source or None, dict(series.tags)


def _numbers(items: list[Any], refused: Counter[str]) -> Iterator[float]:
    for item in items:
        try:
            yield array("d", (item,))[0]
        except Exception:  # as above
            refused["value"] += 1
