"""Recorded measurements, and queries for them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from zibrato.client.drain import OnRows
from zibrato.client.rows import Rows
from zibrato.levels import level_name
from zibrato.model import COUNTER, GAUGE, TIMER, Series
from zibrato.wire import CounterRow, SampleRow, unpack


@dataclass(frozen=True)
class Measurement:
    """One recorded series, with the number of its measurements and their `sum`.

    `kind` is counter, timer or gauge. `values` are a timer's durations (seconds) or a gauge's
    readings, in the order in which they were recorded; a counter has none.
    """

    kind: str
    name: str
    level: str
    source: str
    tags: Mapping[str, str]
    count: int
    sum: float
    values: tuple[float, ...] = ()

    def __str__(self) -> str:
        tags = ",".join([f"{name}={value}" for name, value in self.tags.items()])
        return f"{self.kind} {self.name}{f'{{{tags}}}' if tags else ''} x{self.count}"


class Source(Protocol):
    """A source of measurements: one client, or all clients."""

    def add(self, on_rows: OnRows, /) -> None: ...
    def remove(self, on_rows: OnRows, /) -> None: ...
    def catch_up(self) -> None: ...


class Recording:
    """What `sources` have recorded up to now, or up to the end of the recording.

    Every question takes `level`, `source` and `tags`. Measurements that differ in one that is
    given, or lack one of the tags, don't count.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self._sources = list(sources)
        self._lock = threading.Lock()
        self._measurements: dict[Series, Measurement] = {}
        for source in self._sources:
            source.add(self._on_rows)

    def counted(
        self,
        name: str,
        *,
        level: str | int | None = None,
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> float:
        """Return the sum of a counter's increments; 0 if there are none."""
        return sum([counted.sum for counted in self._named(COUNTER, name, level, source, tags)])

    def timed(
        self,
        name: str,
        *,
        level: str | int | None = None,
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> list[float]:
        """Return a timer's durations, in seconds."""
        timers = self._named(TIMER, name, level, source, tags)
        return [value for timer in timers for value in timer.values]

    def readings(
        self,
        name: str,
        *,
        level: str | int | None = None,
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> list[float]:
        """Return a gauge's readings; each question reads a callable once more."""
        gauges = self._named(GAUGE, name, level, source, tags)
        return [value for gauge in gauges for value in gauge.values]

    @property
    def measurements(self) -> list[Measurement]:
        """Everything recorded so far: one for each series, sorted by kind and name."""
        self.catch_up()
        with self._lock:
            return [self._measurements[series] for series in sorted(self._measurements)]

    def clear(self) -> None:
        """Forget everything recorded so far."""
        self.catch_up()
        with self._lock:
            self._measurements.clear()

    def end(self) -> None:
        """Stop recording; queries still work."""
        while self._sources:
            self._sources.pop().remove(self._on_rows)

    def catch_up(self) -> None:
        """Take what was recorded so far, as every query does."""
        for source in self._sources:
            source.catch_up()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(map(str, self.measurements)) or 'nothing'}>"

    def _on_rows(self, rows: Rows) -> None:
        """Receive rows from a source."""
        # The thread of a sender may call this, as well as the one that queries.
        with self._lock:
            for row in rows.counters:
                self._add(COUNTER, row, row.count, row.sum, ())
            for kind, sample_rows in ((TIMER, rows.timers), (GAUGE, rows.gauges)):
                for samples in sample_rows:
                    values = tuple(unpack(samples.samples))
                    self._add(kind, samples, len(values), sum(values), values)

    def _add(
        self,
        kind: str,
        row: CounterRow | SampleRow,
        count: int,
        total: float,
        values: tuple[float, ...],
    ) -> None:
        source = row.source or ""
        key = Series(kind, row.name, source, tuple(sorted(row.tags.items())), row.level)
        new = Measurement(kind, row.name, row.level, source, row.tags, count, total, values)
        old = self._measurements.get(key)
        self._measurements[key] = new if old is None else _sum(old, new)

    def _named(
        self,
        kind: str,
        name: str,
        level: str | int | None,
        source: str | None,
        tags: Mapping[str, str] | None,
    ) -> Iterator[Measurement]:
        wanted = None if level is None else level_name(level)
        for measurement in self.measurements:
            if (
                (measurement.kind, measurement.name) == (kind, name)
                and wanted in (None, measurement.level)
                and source in (None, measurement.source)
                and (tags or {}).items() <= measurement.tags.items()
            ):
                yield measurement


def _sum(old: Measurement, new: Measurement) -> Measurement:
    values = old.values + new.values
    return Measurement(
        *(old.kind, old.name, old.level, old.source, old.tags),
        *(old.count + new.count, old.sum + new.sum, values),
    )
