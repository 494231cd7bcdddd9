"""The newest intervals of every series, in memory: for the list of all, and for who watches."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isnan, nan
from typing import NamedTuple

import msgspec
from twisted.logger import Logger

from zibrato.model import COUNTER, GAUGE, Series, Summary

INTERVALS = 40
PERCENTILES = (50, 95, 99)
STALE = 3
"""Intervals without a measurement after which a series has no rate any more."""


class Measured(NamedTuple):
    """A summary of the series with this number, over the interval from `start` to `end`."""

    number: int
    series: Series
    start: float
    end: float
    summary: Summary


class Shown(msgspec.Struct):
    """A series as the page has it: `last` is a sum, a 95th percentile or a reading, by kind."""

    id: int
    kind: str
    name: str
    source: str
    tags: Mapping[str, str]
    level: str
    last: float | None
    rate: float | None
    seen: float
    spark: Sequence[float | None]


class Health(msgspec.Struct):
    """One of the daemon's own series: its last value, and its sum since the start."""

    name: str
    tags: Mapping[str, str]
    kind: str
    last: float | None
    total: float


class _Entry:
    """What is remembered of one series; `ring` has a value for each interval, by its number."""

    __slots__ = ("last", "rate", "ring", "seen", "series", "slot", "total")

    def __init__(self, series: Series, seen: float = 0.0) -> None:
        self.series = series
        self.seen = seen
        self.slot = 0
        self.total = 0.0
        self.last: float | None = None
        self.rate: float | None = None
        self.ring = array("d", [nan]) * INTERVALS

    def add(self, start: float, end: float, summary: Summary) -> None:
        """Take in an interval, the newest or an older one."""
        length = end - start
        slot = int(start // length)
        value = shown_value(self.series.kind, summary)
        self.total += summary.sum
        if slot > self.slot:
            for skipped in range(max(self.slot + 1, slot - INTERVALS + 1), slot + 1):
                self.ring[skipped % INTERVALS] = nan
            self.slot = slot
        if slot > self.slot - INTERVALS:
            before = self.ring[slot % INTERVALS]
            if self.series.kind == COUNTER and not isnan(before):
                value += before
            self.ring[slot % INTERVALS] = value
        if start >= self.seen:
            self.seen = start
            self.last = value
            self.rate = (value if self.series.kind == COUNTER else summary.count) / length

    def spark(self, newest: int) -> list[float | None]:
        """Return the values up to the interval `newest`, from the first one that there is."""
        slots = range(newest - INTERVALS + 1, newest + 1)
        known = range(self.slot - INTERVALS + 1, self.slot + 1)
        values = [self.ring[slot % INTERVALS] if slot in known else nan for slot in slots]
        found = [None if isnan(value) else value for value in values]
        while found and found[0] is None:
            del found[0]
        return found


class Live:
    """Remembers each series' newest intervals, and tells each of `watchers` of every new one.

    `take` may run in another thread than all else.
    """

    _log = Logger()

    def __init__(self, interval: float = 10.0) -> None:
        self.interval = interval
        self.watchers: list[Callable[[bytes], None]] = []
        self._entries: dict[int, _Entry] = {}

    def know(self, known: Mapping[int, Series]) -> None:
        """Have series in the list that were not measured since the start."""
        for number, series in known.items():
            self._entries.setdefault(number, _Entry(series))

    def take(self, measured: Iterable[Measured]) -> list[int]:
        """Take in what was measured; return the numbers of the series that are new."""
        new = []
        for number, series, start, end, summary in measured:
            entry = self._entries.get(number)
            if entry is None:
                entry = self._entries[number] = _Entry(series)
                new.append(number)
            entry.add(start, end, summary)
        return new

    def forget(self, names: Iterable[str]) -> None:
        """Leave out the series of these names, in any case."""
        lowered = {name.lower() for name in names}
        for number, entry in list(self._entries.items()):
            if entry.series.name.lower() in lowered:
                self._entries.pop(number, None)

    def shown(self, now: float, numbers: Iterable[int] | None = None) -> list[Shown]:
        """Return the series, all or those of these numbers, as of the Unix time `now`."""
        entries = list(self._entries.items())
        if numbers is not None:
            wanted = set(numbers)
            entries = [(number, entry) for number, entry in entries if number in wanted]
        newest = max((entry.slot for _, entry in list(self._entries.items())), default=0)
        old = now - STALE * self.interval - self.interval
        return [_shown(number, entry, newest, old) for number, entry in entries]

    def health(self) -> list[Health]:
        """Return the daemon's own series."""
        return [
            Health(series.name, dict(series.tags), series.kind, entry.last, entry.total)
            for entry in list(self._entries.values())
            if (series := entry.series).name.startswith("zibrato.")
        ]

    def tell(self, event: bytes) -> None:
        """Tell all watchers; one that raises is told no more, which is all that it costs."""
        for watcher in list(self.watchers):
            try:
                watcher(event)
            except Exception:
                self._log.failure("a subscriber failed, and is dropped")
                self.watchers.remove(watcher)


def shown_value(kind: str, summary: Summary) -> float:
    """Return the one number that is shown of a summary."""
    if kind == COUNTER:
        return summary.sum
    if kind == GAUGE or summary.distribution is None:
        return summary.last
    return summary.distribution.percentile(95)


def point(number: int, kind: str, summary: Summary) -> list[float | None]:
    """Return number, count, sum, min, max, last and percentiles of a summary."""
    if kind == COUNTER:
        return [number, summary.count, summary.sum] + [None] * 6
    least, most, last = summary.min, summary.max, summary.last
    head: list[float | None] = [number, summary.count, summary.sum, least, most, last]
    if summary.distribution is None:
        return [*head, None, None, None]
    return [*head, *summary.distribution.percentiles(PERCENTILES)]


def _shown(number: int, entry: _Entry, newest: int, old: float) -> Shown:
    kind, name, source, tags, level = entry.series
    rate = entry.rate if entry.seen >= old else None
    last, seen = entry.last, entry.seen
    return Shown(
        number, kind, name, source, dict(tags), level, last, rate, seen, entry.spark(newest)
    )
