"""What each series has come to, for receivers that take running totals alone.

They survive a restart where they have a file. An interval is added to them in memory that nobody
sees, and holds from its commit on. So a backend that is scraped commits, then shows: no total ever
falls, for that would be a counter's beginning to Prometheus. A backend that sends does that first,
then commits: what it can't know to have arrived it sends again, to the last bit as before.
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

from zibrato.backends.totals_file import ForeignTotalsError, PackedTotal, Total, TotalsFile
from zibrato.files.sqlite_file import is_corrupt
from zibrato.interfaces import Delivery, RetryLater
from zibrato.model import COUNTER, GAUGE, MAX_COUNT, Identity, Series, Snapshot, Summary, bounded
from zibrato.threads import Inline, Workers, finished

__all__ = ["FORGOTTEN", "MAX_BYTES", "Addition", "Totals", "never_falls"]

MAX_BYTES = 64 << 20
"""Bytes of memory that all totals take about, before those of the longest silence are forgotten."""
FORGOTTEN = 86_400.0
"""Seconds of silence, as intervals have it, after which a series begins anew."""
STEP = 0.001
"""Seconds between two totals of a series where the later one is of no later interval."""
MAX_AHEAD = 600.0
"""Seconds that a total's time may be ahead of the clock: many receivers take nothing beyond."""
_TOTAL_BYTES, _TEXT_BYTES = 560, 50
"""As measured: of a series with its total, and of each of its texts, beside what is in them."""
_WARN_EVERY = 3600.0
"""Seconds."""
T = TypeVar("T")


class Addition:
    """What new snapshots add to totals at the Unix time `now`: seen by nobody until `commit`.

    A total whose time is ahead, since the clock was set back meanwhile, goes on at the interval's.
    """

    def __init__(
        self, before: Mapping[Series, PackedTotal], snapshots: Sequence[Snapshot], now: float
    ) -> None:
        self.snapshots = snapshots
        self.changed: dict[Series, PackedTotal] = {}
        self._before = before
        self._now = now

    def add(self, series: Series, summary: Summary, start: float, end: float) -> Total:
        """Return the total with what the interval from `start` to `end` has of a series."""
        is_monotonic = never_falls(series, summary)
        # Popped, so that it is set anew at the end: what was silent for longest is first.
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
    """Totals of series, with a `file` or in memory alone; what takes a while `workers` do.

    One addition at a time is begun and committed.
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
        """Read the file, unless that is done; raises RetryLater where it can't be read."""
        async with self._loading:
            if not self._loaded and self.file is not None:
                await self._in_thread(self._read)
                self._loaded = True

    async def begin(self, delivery: Delivery, now: float) -> Addition:
        """Return the addition of what is new of a delivery; the rest is noted as delivered.

        What is known already was shown or sent before it was committed, or at once after.
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
        """Have an addition hold, all of it or nothing; raises RetryLater where it can't be kept.

        Once under way it is finished, even if cancelled.
        """
        sizes = await self._in_thread(lambda: self._write(addition, identities))
        self._warn()
        for series, total in addition.changed.items():
            self._totals.pop(series, None)  # dicts have what was silent for longest first
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
        """Say, seldom, that series begin anew for want of room."""
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
        except (sqlite3.Error, OSError, ForeignTotalsError) as error:
            path = self.file.path if self.file is not None else ""
            raise RetryLater(f"the totals in {path}: {error}") from None

    def _read(self) -> None:
        assert self.file is not None  # noqa: S101 - for mypy: else there is nothing to read
        self._totals = dict(self.file.load())
        self._sizes = {series: _size_of(series, total) for series, total in self._totals.items()}
        self._size = sum(self._sizes.values())

    def _write(
        self, addition: Addition, identities: Sequence[Identity | None]
    ) -> Mapping[Series, int]:
        """Write an addition; return the sizes of what is changed, 0 of what is forgotten.

        In a thread: nothing here changes meanwhile what others read.
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
                # What is in memory is all there is: a new file gets it.
                self.file.restore(error, self._totals)
                self.file.commit(kept, forgotten, identities)
        return sizes

    def _forgotten(
        self, changed: Mapping[Series, PackedTotal], sizes: dict[Series, int]
    ) -> Sequence[Series]:
        """Return what was silent for a day, and for longest until the others have their bound.

        Their `sizes` are 0 then.
        """
        newest = max((total.seen for total in changed.values()), default=0.0)
        size = self._size + sum(sizes.values()) - sum(self._sizes.get(one, 0) for one in sizes)
        silent = ((one, total) for one, total in self._totals.items() if one not in changed)
        # Where all are in use the new ones have no room: else each would begin anew all the time.
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
    """Return whether a total is monotonic with such an interval: a counter can be counted down."""
    return series.kind != COUNTER or summary.sum >= 0


def _own(summary: Summary) -> Summary:
    """Return a summary whose distribution is in buckets, which a receiver is told of."""
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
