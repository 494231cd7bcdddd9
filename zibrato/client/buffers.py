"""Where instruments leave measurements, and how a sender takes them away.

The instrument's side is one call of a C function that takes no lock and never raises: `next()` of
an `itertools.count`, or `list.append`. Both are atomic under the interpreter's lock. The other
side is one thread's at a time, which the outlet sees to: it learns how far a count has come by
calling `next()` too, and takes a list's values by slicing, then deleting, while others append at
its end.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, count
from math import isfinite
from typing import Any, TypeVar

from zibrato.client.drain import Outlet
from zibrato.model import COUNTER, MAX_EXACT_INT, TIMER, Series, bounded
from zibrato.wire import CounterRow, SampleRow, pack

CHUNK = 10_000
"""Values that become numbers in one go, for which the interpreter's lock is held."""
BATCH = 100_000
"""Samples of a batch. To send one gives that lock away, and busy threads give it back late."""
ROW_COST = 16
MAX_SERIES = 10_000
MAX_IDENTITY = 100_000
"""Bytes that the name, source, level and tags of a series may have: far below a frame's."""

Key = TypeVar("Key")
Buffer = TypeVar("Buffer")


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

    def take(self) -> list[Any]:
        """Return all values."""
        items = self._items[:]  # all at once, for what is left is moved when others are deleted
        del self._items[: len(items)]
        return items

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
        self.counters.append(CounterRow(*_identity(series), events, encodable(total)))

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
        """How many measurements were dropped since the start, by reason."""
        self._ticks: dict[tuple[Series, float], Ticks] = {}
        self._values: dict[Series, Values] = {}
        self._carried: dict[Series, tuple[int, float]] = {}
        self._surplus_ticks = Ticks(0)
        self._surplus_values = Values()
        self.outlet = Outlet(self._rows)

    def ticks(self, series: Series, value: float) -> Ticks:
        """Return the buffer of increments by `value` of a counter; raises as `values` does."""
        key = (series, value)
        found = self._ticks.get(key)
        if found is not None:
            return found
        if len(self._ticks) >= MAX_SERIES:
            return self._surplus_ticks
        return self._ticks.setdefault((_plain(series), value), Ticks(value))

    def values(self, series: Series) -> Values:
        """Return the buffer of a series' values.

        Raises TypeError for an identity that isn't all text, ValueError for one that can't be
        encoded or is too long to be sent.
        """
        found = self._values.get(series)
        if found is not None:
            return found
        if len(self._values) >= MAX_SERIES:
            return self._surplus_values
        return self._values.setdefault(_plain(series), Values())

    def __len__(self) -> int:
        return len(self._ticks) + len(self._values)

    def drain(self) -> Iterator[Rows]:
        """Yield what was recorded and is the sender's, in rows of about `BATCH` samples."""
        return self.outlet.drain()

    def _rows(self) -> Iterator[Rows]:
        self._count_surplus()
        rows = Rows()
        for (series, value), ticks in _items(self._ticks):
            events = ticks.take()
            if events:
                rows.add_count(series, events, events * value)
        while self._carried:
            series, (events, total) = self._carried.popitem()
            rows.add_count(series, events, total)
        for series, values in _items(self._values):
            items = values.take()
            for start in range(0, len(items), CHUNK):
                samples = _numbers(items[start : start + CHUNK], self.dropped)
                self._add(series, samples, rows)
                if rows.samples + len(rows) * ROW_COST >= BATCH:
                    yield rows
                    rows = Rows()
        if rows:
            yield rows

    def _count_surplus(self) -> None:
        surplus = self._surplus_ticks.take() + self._surplus_values.clear()
        if surplus:
            self.dropped["max_series"] += surplus

    def _add(self, series: Series, samples: array[float], rows: Rows) -> None:
        if series.kind == COUNTER:
            samples = self._finite(samples)
        if not samples:
            return
        if series.kind == COUNTER:
            rows.add_count(series, len(samples), sum(samples))
        else:
            rows.add_samples(series, samples)

    def _finite(self, samples: array[float]) -> array[float]:
        """Return those that don't spoil a sum; the others are dropped and counted."""
        if isfinite(sum(samples)):
            return samples
        finite = array("d", filter(isfinite, samples))
        if len(finite) < len(samples):
            self.dropped["value"] += len(samples) - len(finite)
        return finite

    def discard(self, reason: str) -> None:
        """Drop what was recorded, counted under `reason`."""
        for rows in self.drain():
            lost = rows.samples + sum(row.count for row in rows.counters)
            self.dropped[reason] += lost

    def limit(self, most: int) -> None:
        """Drop all values if there are more than `most`, counted: nothing drains them in time.

        Those of counters are added up instead.
        """
        every = _items(self._values)
        if sum(len(values) for _, values in every) <= most:
            return
        for series, values in every:
            if series.kind == COUNTER:
                self._carry(series, self._finite(_numbers(values.take(), self.dropped)))
            else:
                self.dropped["full"] += values.clear()

    def _carry(self, series: Series, samples: array[float]) -> None:
        events, total = self._carried.get(series, (0, 0.0))
        if samples:
            self._carried[series] = (events + len(samples), total + sum(samples))

    def restart(self) -> None:
        """Forget everything, in place: what a forked child holds is its parent's to send."""
        self._count_surplus()
        for _, ticks in _items(self._ticks):
            ticks.take()
        for _, values in _items(self._values):
            values.clear()
        self._carried.clear()
        self.dropped.clear()
        self.outlet.restart()


def encodable(total: float) -> float:
    """Return `total` as the encoder takes it: no subclass, no huge int, no infinity."""
    return total if type(total) is int and abs(total) <= MAX_EXACT_INT else float(bounded(total))


def _plain(series: Series) -> Series:
    """Return `series` of exact strings, which alone the encoder takes, if it can be sent."""
    kind, name, source, tags, level = series
    plain = Series(
        kind,
        str.__str__(name),
        str.__str__(source),
        tuple([(str.__str__(key), str.__str__(value)) for key, value in tags]),
        str.__str__(level),
    )
    texts = (plain.name, plain.source, plain.level, *chain.from_iterable(plain.tags))
    size = len("".join(texts).encode())
    if size > MAX_IDENTITY:
        raise ValueError(f"expected at most {MAX_IDENTITY} bytes of name and tags, got {size}")
    return plain


def _items(found: dict[Key, Buffer]) -> list[tuple[Key, Buffer]]:
    """Return the items, though other threads, and finalizers in this one, may add some."""
    while True:
        try:
            return list(found.items())
        except RuntimeError:  # it changed its size meanwhile
            continue


def _identity(series: Series) -> tuple[str, str, str | None, dict[str, str]]:
    return series.name, series.level, series.source or None, dict(series.tags)


def _numbers(items: list[Any], refused: Counter[str]) -> array[float]:
    """Return the items as numbers; those that are none are dropped and counted."""
    try:
        return array("d", items)
    except Exception:  # __float__ of a foreign object may raise anything
        return array("d", _each_number(items, refused))


def _each_number(items: list[Any], refused: Counter[str]) -> Iterator[float]:
    for item in items:
        try:
            yield array("d", (item,))[0]
        except Exception:  # as above
            refused["value"] += 1
