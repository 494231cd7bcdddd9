"""The outbox of one backend: snapshots that wait for it, bounded, and accounted for.

accepted + restored = delivered + pending + dropped by reason, in measurements.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import chain

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from zibrato.daemon.backend_account import BackendAccount
from zibrato.daemon.outbox.kept_snapshot import Keeper, KeptSnapshot, Waiting
from zibrato.daemon.outbox.queue import OutboxQueue
from zibrato.daemon.outbox.retry_pause import RetryPause
from zibrato.daemon.outbox.shipping import Shipping
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.daemon.series_filter import ALL, SeriesFilter
from zibrato.health import BackendHealth
from zibrato.interfaces import IBackend

MAX_BYTES = 64 * 1024 * 1024
"""Bytes of memory for snapshots that are not in the file."""
MAX_FILE_BYTES, MAX_AGE = 1 << 30, 7 * 86_400.0
"""Bytes of the file, and seconds since the end of an interval."""


class Outbox(Service):
    """Holds snapshots until they are shipped to `backend`.

    Beyond `max_bytes` (approximate, in memory), `max_file_bytes` or `max_age` (seconds) the oldest
    snapshots that are not under way are dropped. `jitter` returns a number in [0, 1). `key` is the
    outbox's name in the outboxes' file.
    """

    _log = Logger()

    def __init__(
        self,
        backend: IBackend,
        clock: IReactorTime,
        metrics: SelfMetrics,
        *,
        wanted: SeriesFilter = ALL,
        max_bytes: int = MAX_BYTES,
        max_file_bytes: int = MAX_FILE_BYTES,
        max_age: float = MAX_AGE,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.backend = backend
        self.filter = wanted
        self.key = backend.name
        self.keeper: Keeper | None = None
        self._clock = clock
        self._account = BackendAccount(metrics, backend.name)
        self._max_age = max_age
        self._queue = OutboxQueue(max_bytes, max_file_bytes)
        self._pause = RetryPause(clock, jitter)
        self._shipping = Shipping(
            backend, clock, self._account, queue=self._queue, pause=self._pause, holder=self
        )

    @property
    def pending(self) -> int:
        """The number of measurements that wait or are under way."""
        return self._queue.measurements + self._shipping.pending

    @property
    def size(self) -> int:
        """Approximate bytes in memory and in the file, including the backend's `requests`."""
        taken = sum(waiting.kept.size for waiting in self._shipping.taken)
        return self._queue.memory + self._queue.file + taken + self._shipping.requests_size

    def append(self, kept: KeptSnapshot, wanted: SeriesFilter) -> None:
        """Queue the part of a snapshot that passes the filter `wanted`."""
        waiting = Waiting.of(kept, wanted)
        if not waiting.series:
            return
        self._account.count("zibrato.outbox.accepted", waiting.measurements)
        if self._shipping.is_stopped and kept.identity is None:
            self._account.note(waiting.measurements, "stopped")
            return
        self._queue.append(waiting)
        self._begin()

    def restore(self, waiting: Sequence[Waiting]) -> None:
        """Queue what an earlier daemon left, in front of everything else."""
        self._account.count("zibrato.outbox.restored", sum(one.measurements for one in waiting))
        self._queue.restore(waiting)
        self._begin()

    def uncommitted(self) -> Sequence[Waiting]:
        """Return what waits or is under way and isn't in the file yet."""
        return [
            *(one for one in self._shipping.taken if not one.is_in_file),
            *self._queue.in_memory,
        ]

    def confirm(self, committed: Sequence[KeptSnapshot]) -> Sequence[KeptSnapshot]:
        """Note what is committed; return what of it neither waits nor is under way any more."""
        having = {id(one.kept) for one in (*self._shipping.taken, *self._queue.in_memory)}
        self._queue.confirm()
        return [kept for kept in committed if id(kept) not in having]

    def lose_file(self) -> None:
        """Drop everything in the file, because it turned out to be corrupt."""
        self.drop(self._queue.clear_file(), "corrupt")

    def health(self) -> BackendHealth:
        """Return how much waits, and why."""
        oldest = next(chain(self._shipping.taken, self._queue), None)
        return BackendHealth(
            name=self.backend.name,
            intervals=len(self._shipping.taken) + len(self._queue),
            measurements=self.pending,
            size=self.size,
            max_size=self._queue.max_bytes if self.keeper is None else self._queue.max_file_bytes,
            oldest=None if oldest is None else oldest.kept.end,
            max_age=self._max_age,
            error=self._pause.reason,
            failing_since=self._pause.since,
            delivered=self._account.delivered,
            dropped=self._account.dropped,
        )

    def bound(self, max_file_bytes: int, max_age: float) -> None:
        """Set new bounds."""
        self._queue.max_file_bytes, self._max_age = max_file_bytes, max_age

    def retry(self) -> None:
        """End the pause between two attempts; during an attempt, skip the pause after it."""
        self._shipping.retry()

    def drained(self) -> Deferred[None]:
        """Return a Deferred that fires when the queue is empty; cancel it to stop waiting."""
        return self._shipping.drained()

    def drop(self, waiting: Sequence[Waiting], reason: str) -> None:
        """Count snapshots as dropped, and let them go."""
        if waiting:
            self._account.note(sum(one.measurements for one in waiting), reason)
            self.let_go(waiting)

    def let_go(self, waiting: Sequence[Waiting]) -> None:
        """Tell the keeper that this backend no longer needs the snapshots."""
        identities = [one.kept.identity for one in waiting if one.kept.identity is not None]
        if self.keeper is not None and identities:
            self.keeper.done(self.key, identities)

    def stopService(self) -> Deferred[None]:
        """Leave what is in the file; drop, count and log the rest; stop the backend."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await self._shipping.stop()
        name, dropped = self.backend.name, self._drop_what_is_in_memory()
        if dropped:
            self._log.warn(
                "stopped before {backend} had everything: {count} measurements are dropped",
                backend=name, count=dropped,
            )  # fmt: skip
        if left := self.pending:
            self._log.info(
                "{backend} gets {count} measurements at the next start", backend=name, count=left
            )
        await self.backend.stop()

    def _drop_what_is_in_memory(self) -> int:
        """Drop what is only in memory; return its number of measurements."""
        before = self.pending
        if not all(waiting.is_in_file for waiting in self._shipping.taken):
            self._shipping.finish("stopped")
        self.drop(self._queue.clear_memory(), "stopped")
        return before - self.pending

    def _begin(self) -> None:
        self._shipping.begin()
        self._evict()

    def _evict(self) -> None:
        """Drop the oldest snapshots that are not under way, until the bounds hold."""
        under_way = sum(one.kept.size for one in self._shipping.taken if one.kept.identity is None)
        full = self._queue.evict(under_way + self._shipping.requests_size)
        self.drop(full, "outbox_full")
        self.drop(old := self._queue.expire(self._clock.seconds() - self._max_age), "expired")
        if full or old:
            self._account.warn_once(
                "full", "the outbox of {backend} is full: the oldest are dropped"
            )
