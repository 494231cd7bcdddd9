"""The newest intervals of every series, in memory, for the series list and for subscribers."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import dropwhile
from math import isnan, nan
from threading import RLock
from typing import NamedTuple

import msgspec
from twisted.logger import Logger

from zibrato.model import COUNTER, Series, Summary
from zibrato.store.db.metadata import COUNTER_TYPE, UNITS, Metric
from zibrato.store.db.reader import PERCENTILES
from zibrato.store.db.series_index import MAX_SERIES

INTERVALS = 60
"""The newest intervals of a series that are remembered."""
_NOTHING = array("d", [nan]) * INTERVALS
STALE = 3
"""Intervals without a measurement after which a series has no rate any more."""


class Measured(NamedTuple):
    """A summary of a series, over the interval from `start` to `end`."""

    series_id: int
    series: Series
    start: float
    end: float
    summary: Summary


class LiveSeries(msgspec.Struct):
    """A series as the page shows it: by kind, `last` is a sum, a 95th percentile or a reading."""

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


class Description(msgspec.Struct, omit_defaults=True):
    """A metric's metadata, as Librato's attributes."""

    name: str
    display_name: str | None = None
    description: str | None = None
    units: str | None = None
    running: bool = False
    """Whether it is Librato's counter, a running total, of which the page shows the increments."""

    @property
    def says_something(self) -> bool:
        """Whether there is anything beside the name."""
        return bool(self.display_name or self.description or self.units or self.running)


class _Entry:
    """What is remembered of a series; `ring` has a value for each interval, in its slot.

    A list whose number is greater than `listed` may be reading this entry. Then the entry is copied
    before it is changed.
    """

    __slots__ = ("last", "listed", "rate", "ring", "seen", "series", "slot")

    def __init__(self, series: Series, listed: int) -> None:
        self.series = series
        self.listed = listed
        self.seen = 0.0
        self.slot = 0
        self.last: float | None = None
        self.rate: float | None = None
        self.ring = _NOTHING[:]

    def copy(self, listed: int) -> _Entry:
        """Return a copy that no list up to the number `listed` reads."""
        other = _Entry(self.series, listed)
        other.seen, other.slot, other.last, other.rate = self.seen, self.slot, self.last, self.rate
        other.ring = self.ring[:]
        return other

    def add(self, start: float, end: float, summary: Summary) -> None:
        """Add an interval, the newest or an older one."""
        length = end - start
        slot = int(start // length)
        value = display_value(self.series.kind, summary)
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
        """Return the values up to the interval `newest`, from the first one that exists."""
        silent = newest - self.slot
        oldest = (self.slot + 1) % INTERVALS
        # Slices of arrays instead of a loop over slots: there may be 100,000 series.
        values = (self.ring[oldest:] + self.ring[:oldest] + _NOTHING[:silent])[silent:]
        return [None if isnan(value) else value for value in dropwhile(isnan, values)]


class _Entries(OrderedDict[int, _Entry]):
    """Entries by series id, in the order of their last measurement, and the series' weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = 0

    def put(self, series_id: int, entry: _Entry) -> None:
        """Add an entry at the end."""
        self[series_id] = entry
        self.weight += entry.series.weight

    def drop(self, series_id: int) -> None:
        """Remove an entry, if it is there."""
        entry = self.pop(series_id, None)
        self.weight -= 0 if entry is None else entry.series.weight


class Live:
    """Remembers the newest intervals of each series, and sends every new one to each subscriber.

    It holds series of the weight `max_series`, those that were measured last, and tells `evicted`
    how many others it removes. Several threads update and read it. A caller who needs `updates` and
    the series as of one moment holds `lock` while calling `series`. The iterator that `series`
    returns can be read later, without the lock.
    """

    _log = Logger()

    def __init__(
        self,
        *,
        max_series: int = MAX_SERIES,
        evicted: Callable[[int], None] = lambda _series: None,
    ) -> None:
        self.interval = 10.0
        """The length of the newest interval in seconds; until there is one, the default."""
        self.max_series = max_series
        self.subscribers: list[Callable[[bytes], None]] = []
        self.lock = RLock()
        self.updates = 0
        """How many updates there were. Events have the number of their update."""
        self._listed = 0
        """How many lists of all series were made."""
        self._evicted = evicted
        self._entries = _Entries()

    def load(self, series_by_id: Mapping[int, Series], measured: Iterable[Measured]) -> list[int]:
        """Replace everything by these series and their measurements.

        Returns the ids of the series that have no measurement.
        """
        entries = _Entries()
        for series_id, series in series_by_id.items():
            entries.put(series_id, _Entry(series, self._listed))
        self._add(entries, measured)
        with self.lock:
            self._entries = entries
        return [series_id for series_id, entry in entries.items() if entry.last is None]

    def load_last(self, measured: Iterable[Measured]) -> None:
        """Set these as the last values of series that have no newer measurement."""
        for series_id, series, start, _, summary in measured:
            last = display_value(series.kind, summary)
            with self.lock:
                entry = self._unshared(self._entries, series_id)
                if start >= entry.seen:
                    entry.seen, entry.last = start, last

    def update(self, measured: Iterable[Measured]) -> list[int]:
        """Add measurements; return the ids of the series that are new."""
        with self.lock:
            self.updates += 1
            return self._add(self._entries, measured)

    def remove(self, names: Iterable[str]) -> None:
        """Remove the series with these names, in any case."""
        lowered = {name.lower() for name in names}
        with self.lock:
            for series_id, entry in list(self._entries.items()):
                if entry.series.name.lower() in lowered:
                    self._entries.drop(series_id)

    def forget(self, ids: Iterable[int]) -> None:
        """Remove the series with these ids, if they are there."""
        with self.lock:
            for series_id in ids:
                self._entries.drop(series_id)

    def series(self, now: float, ids: Iterable[int] | None = None) -> Iterator[LiveSeries]:
        """Return the series, all or those with these ids, as of the Unix time `now`.

        With `ids`, they must be read before the next update.
        """
        old = now - STALE * self.interval - self.interval
        with self.lock:
            self._listed += ids is None
            newest = max((entry.slot for entry in self._entries.values()), default=0)
            wanted = [*self._entries] if ids is None else [*ids]
            entries = [self._entries[series_id] for series_id in wanted]
        return (_live_series(*pair, newest, old) for pair in zip(wanted, entries, strict=True))

    def _unshared(self, entries: _Entries, series_id: int) -> _Entry:
        """Return the entry of a series to be changed: a copy if a list may be reading it."""
        entry = entries[series_id]
        if entry.listed < self._listed:
            entry = entries[series_id] = entry.copy(self._listed)
        return entry

    def _add(self, entries: _Entries, measured: Iterable[Measured]) -> list[int]:
        """Add measurements; return the ids of the series that are new."""
        new: dict[int, bool] = {}
        evicted = 0
        for series_id, series, start, end, summary in measured:
            if series_id not in entries:
                entry = _Entry(series, self._listed)
                while entries and entries.weight + series.weight > self.max_series:
                    oldest = next(iter(entries))
                    entries.drop(oldest)
                    new.pop(oldest, None)
                    evicted += 1
                entries.put(series_id, entry)
                new[series_id] = True
            else:
                entries.move_to_end(series_id)
            self._unshared(entries, series_id).add(start, end, summary)
        self._evicted(evicted)
        return [*new]

    def publish(self, event: bytes) -> None:
        """Send an event to all subscribers; a subscriber that raises is removed."""
        # Iterate over a copy: a subscriber that reads too slowly removes itself from the list.
        for subscriber in list(self.subscribers):
            try:
                subscriber(event)
            except Exception:
                self._log.failure("a subscriber failed, and is dropped")
                self.subscribers.remove(subscriber)


def display_value(kind: str, summary: Summary) -> float:
    """Return the number that stands for a summary on the page."""
    if kind == COUNTER:
        return summary.sum
    if summary.distribution is None:
        return summary.reading
    return summary.distribution.percentile(95)


def described(metric: Metric) -> Description:
    """Return a metric's metadata; the short name of its unit is preferred."""
    units = [metric.attributes.get(name) for name in UNITS]
    text = next((unit for unit in units if unit and isinstance(unit, str)), None)
    running = metric.type == COUNTER_TYPE
    return Description(metric.name, metric.display_name, metric.description, text, running)


def point(series_id: int, kind: str, summary: Summary) -> list[float | None]:
    """Return series id, count, sum, min, max, last and percentiles of a summary."""
    if kind == COUNTER:
        return [series_id, summary.count, summary.sum] + [None] * 6
    least, most, last = summary.min, summary.max, summary.reading
    head: list[float | None] = [series_id, summary.count, summary.sum, least, most, last]
    if summary.distribution is None:
        return [*head, None, None, None]
    return [*head, *summary.distribution.percentiles(PERCENTILES)]


def _live_series(series_id: int, entry: _Entry, newest: int, old: float) -> LiveSeries:
    kind, name, source, tags, level = entry.series
    rate = entry.rate if entry.seen >= old else None
    last, seen = entry.last, entry.seen
    return LiveSeries(
        series_id, kind, name, source, dict(tags), level, last, rate, seen, entry.spark(newest)
    )
