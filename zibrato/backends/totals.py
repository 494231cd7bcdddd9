"""Running totals of series, for receivers that only accept those.

Totals survive a restart if they have a file. An interval is added to totals in memory that nobody
sees, and takes effect when it is committed. A backend that is scraped commits first and then shows
the totals. So no total ever falls, which Prometheus would take for the reset of a counter. A
backend that sends does so first and then commits: what may not have arrived is sent again,
identical to the last bit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from time import monotonic
from typing import TypeVar

from msgspec.structs import replace
from twisted.internet.defer import DeferredLock
from twisted.logger import Logger

from zibrato.backends.totals_file import PackedTotal, Total, TotalsFile
from zibrato.files.sqlite_file import UnusableFileError, is_corrupt
from zibrato.interfaces import Delivery, RetryLater
from zibrato.model import COUNTER, GAUGE, MAX_COUNT, Identity, Series, Snapshot, Summary, bounded
from zibrato.threads import Inline, Workers, finished

__all__ = ["FORGOTTEN", "MAX_BYTES", "Addition", "Totals", "never_falls"]

MAX_BYTES = 64 << 20
"""Bytes of memory for all totals, about; above it, the longest silent ones are forgotten."""
FORGOTTEN = 26 * 3600.0
"""Seconds of silence, by the times of intervals, after which a series begins again.

The total of a job that runs once a day must not: if the total is as high as the day before,
Prometheus counts nothing. A day with a change of clocks has 25 hours.
"""
STEP = 0.001
"""Seconds between two totals of a series if the later one is not of a later interval."""
MAX_AHEAD = 600.0
"""Seconds that a total's time may be ahead of the clock: many receivers reject more."""
_TOTAL_BYTES, _TEXT_BYTES = 560, 50
"""Measured: for a series with its total, and for each of its texts in addition to its content."""
_WARN_EVERY = 3600.0
"""Seconds."""
T = TypeVar("T")


class Addition:
    """What new snapshots add to totals at the Unix time `now`; nobody sees it before `commit`.

    If a total's time is ahead because the clock was set back, it continues at the interval's time.
    """

    def __init__(
        self, before: Mapping[Series, PackedTotal], snapshots: Sequence[Snapshot], now: float
    ) -> None:
        self.snapshots = snapshots
        self.changed: dict[Series, PackedTotal] = {}
        self._before = before
        self._now = now

    def add(self, series: Series, summary: Summary, start: float, end: float) -> Total:
        """Add a series' summary of the interval from `start` to `end`, and return its total."""
        is_monotonic = never_falls(series, summary)
        # Remove the total and put it at the end, so that the longest silent series is first.
        packed = self.changed.pop(series, None) or self._before.get(series)
        before = None if packed is None else packed.total
        total = Total(start, start, end, _own(summary), is_monotonic)
        if before is not None and start - before.seen < FORGOTTEN:
            if before.seen > self._now:
                before = before._replace(start=min(before.start, start), seen=start)
            is_ahead = before.end > self._now + MAX_AHEAD
            total = Total(
                before.start,
                max(start, before.seen),
                end if is_ahead else max(end, before.end + STEP),
                _added(series.kind, before, start, summary),
                is_monotonic and before.is_monotonic,
            )
        self.changed[series] = PackedTotal.of(total)
        return total


class Totals:
    """Totals of series, in a `file` or only in memory; `workers` do what takes long.

    Only one addition at a time may be begun and committed.
    """

    _log = Logger()

    def __init__(self, file: TotalsFile | None = None, workers: Workers | None = None) -> None:
        self.file = file
        self._workers = workers or Inline()
        self._totals: dict[Series, PackedTotal] = {}
        self._sizes: dict[Series, int] = {}
        self._size = 0
        self._loaded = file is None
        self._loading = DeferredLock()
        self._is_full = False
        self._quiet_until = 0.0

    @property
    def size(self) -> int:
        """About how many bytes of memory the totals take."""
        return self._size

    def __iter__(self) -> Iterator[tuple[Series, PackedTotal]]:
        """Iterate over a copy of what is committed."""
        return iter(list(self._totals.items()))

    async def load(self) -> None:
        """Read the file, unless that was done; raises RetryLater if it can't be read."""
        async with self._loading:
            if not self._loaded and self.file is not None:
                await self._in_thread(self._read)
                self._loaded = True

    async def begin(self, delivery: Delivery, now: float) -> Addition:
        """Return an addition of the new snapshots of a delivery; the others count as delivered.

        Snapshots that are already in the totals were shown or sent before or just after their
        commit.
        """
        await self.load()
        snapshots, identities = delivery.snapshots, delivery.identities
        file = self.file
        if file is not None:
            new = await self._in_thread(lambda: file.unknown(identities))
            known = [one for one, is_new in zip(snapshots, new, strict=True) if not is_new]
            snapshots = [one for one, is_new in zip(snapshots, new, strict=True) if is_new]
            delivery.delivered(sum(snapshot.measurements for snapshot in known))
        return Addition(self._totals, snapshots, now)

    async def commit(self, addition: Addition, identities: Sequence[Identity | None]) -> None:
        """Commit an addition, all or nothing; raises RetryLater if it can't be stored.

        Once begun, this is finished even if it is cancelled.
        """
        sizes = await self._in_thread(lambda: self._write(addition, identities))
        self._warn()
        for series, total in addition.changed.items():
            self._totals.pop(series, None)  # the dict has the longest silent series first
            self._totals[series] = total
        self._size += sum(sizes.values()) - sum(self._sizes.get(one, 0) for one in sizes)
        self._sizes.update(sizes)
        for series, size in sizes.items():
            if not size:
                self._totals.pop(series, None)
                del self._sizes[series]

    async def stop(self) -> None:
        """Close the file."""
        if self.file is not None:
            await finished(self._workers.run(self.file.close))
        self._workers.stop()

    def _warn(self) -> None:
        """Log, at intervals, that series begin again because there is no room."""
        is_full, self._is_full = self._is_full, False
        if is_full and monotonic() >= self._quiet_until:
            self._quiet_until = monotonic() + _WARN_EVERY
            self._log.warn(
                "running totals take {size} MiB, their bound: totals of new series, and of those "
                "silent for longest, start again from zero; filter with include and exclude, or "
                "use fewer tag values",
                size=MAX_BYTES >> 20,
            )

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await finished(self._workers.run(work))
        except UnusableFileError as error:
            raise RetryLater(f"{error}; give another file with totals=PATH") from None
        except (sqlite3.Error, OSError) as error:
            path = self.file.path if self.file is not None else ""
            raise RetryLater(f"the totals in {path}: {error}") from None

    def _read(self) -> None:
        assert self.file is not None  # noqa: S101 - for mypy: otherwise there is nothing to read
        self._totals = dict(self.file.load())
        self._sizes = {series: _size_of(series, total) for series, total in self._totals.items()}
        self._size = sum(self._sizes.values())

    def _write(
        self, addition: Addition, identities: Sequence[Identity | None]
    ) -> Mapping[Series, int]:
        """Write an addition; return the sizes of changed totals, which are 0 for forgotten ones.

        This runs in a thread, so it changes nothing that others may be reading.
        """
        changed = addition.changed
        sizes = {series: _size_of(series, total) for series, total in changed.items()}
        forgotten = self._forgotten(changed, sizes)
        if self.file is not None:
            kept = {series: total for series, total in changed.items() if sizes[series]}
            try:
                self.file.commit(kept, forgotten, identities)
            except sqlite3.DatabaseError as error:
                if not is_corrupt(error):
                    raise
                # All totals are in memory: write them to a new file.
                self.file.restore(error, self._totals)
                self.file.commit(kept, forgotten, identities)
        return sizes

    def _forgotten(
        self, changed: Mapping[Series, PackedTotal], sizes: dict[Series, int]
    ) -> Sequence[Series]:
        """Return series that were silent for a day, or longest while the others exceed the bound.

        Their `sizes` are set to 0.
        """
        newest = max((total.seen for total in changed.values()), default=0.0)
        size = self._size + sum(sizes.values()) - sum(self._sizes.get(one, 0) for one in sizes)
        silent = ((one, total) for one, total in self._totals.items() if one not in changed)
        # If all series are in use, there is no room for new ones; otherwise all would keep
        # beginning again.
        new = ((one, total) for one, total in changed.items() if one not in self._totals)
        forgotten = []
        for series, total in chain(silent, new, changed.items()):
            if size <= MAX_BYTES and newest - total.seen < FORGOTTEN:
                break
            if series not in sizes or sizes[series]:
                forgotten.append(series)
                size -= sizes.get(series) or self._sizes[series]
                sizes[series] = 0
                self._is_full = self._is_full or newest - total.seen < FORGOTTEN
        return forgotten


def never_falls(series: Series, summary: Summary) -> bool:
    """Return whether a total stays monotonic with a summary: a counter can be decremented."""
    return series.kind != COUNTER or summary.sum >= 0


def _own(summary: Summary) -> Summary:
    """Return a summary with its distribution in buckets, in which receivers get it."""
    distribution = summary.distribution
    if distribution is None:
        return summary
    return replace(summary, distribution=distribution.in_buckets())


def _added(kind: str, before: Total, start: float, new: Summary) -> Summary:
    if kind == COUNTER:
        count = min(before.summary.count + new.count, MAX_COUNT)
        return Summary(count, bounded(before.summary.sum + new.sum))
    if kind == GAUGE:
        return new if start >= before.seen else before.summary
    return before.summary.merged(new)


def _size_of(series: Series, total: PackedTotal) -> int:
    texts = [series.name, series.source, *chain.from_iterable(series.tags)]
    return _TOTAL_BYTES + _TEXT_BYTES * len(texts) + sum(map(len, texts)) + len(total.data)
