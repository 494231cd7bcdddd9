"""The outbox of one backend: ships snapshots in order, retries, and accounts for measurements.

accepted + restored = delivered + pending + dropped by reason, in measurements.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import chain

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from zibrato.daemon.backend_account import BackendAccount
from zibrato.daemon.outbox.kept_snapshot import Keeper, KeptSnapshot, Waiting
from zibrato.daemon.outbox.letting_go import contents, free_in_turns
from zibrato.daemon.outbox.queue import OutboxQueue
from zibrato.daemon.outbox.retry_pause import RetryPause
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.daemon.series_filter import ALL, SeriesFilter
from zibrato.health import BackendHealth
from zibrato.interfaces import Delivery, IBackend, RetryLater
from zibrato.model import Snapshot

MAX_BYTES = 64 * 1024 * 1024
"""Bytes of memory for snapshots that are not in the file."""
MAX_FILE_BYTES, MAX_AGE = 1 << 30, 7 * 86_400.0
"""Bytes of the file, and seconds since the end of an interval."""
MAX_FAULTS = 3


class Outbox(Service):
    """Ships snapshots to `backend`, oldest first, one delivery at a time, until it succeeds.

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
        self._taken: Sequence[Waiting] = ()
        self._delivery: Delivery | None = None
        self._busy = self._stopped = False
        self._cancel: Callable[[], object] = lambda: None
        self._pause = RetryPause(clock, jitter)
        self._idle: list[Deferred[None]] = []

    @property
    def pending(self) -> int:
        """The number of measurements that wait or are under way."""
        taken = sum(waiting.measurements for waiting in self._taken)
        return self._queue.measurements + (self._delivery.pending if self._delivery else taken)

    @property
    def size(self) -> int:
        """Approximate bytes in memory and in the file, including the backend's `requests`."""
        requests = self._delivery.requests_size if self._delivery else 0
        taken = sum(waiting.kept.size for waiting in self._taken)
        return self._queue.memory + self._queue.file + taken + requests

    def append(self, kept: KeptSnapshot, wanted: SeriesFilter) -> None:
        """Queue the part of a snapshot that passes the filter `wanted`."""
        waiting = Waiting.of(kept, wanted)
        if not waiting.series:
            return
        self._account.count("zibrato.outbox.accepted", waiting.measurements)
        if self._stopped and kept.identity is None:
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
        return [*(one for one in self._taken if not one.is_in_file), *self._queue.in_memory]

    def confirm(self, committed: Sequence[KeptSnapshot]) -> Sequence[KeptSnapshot]:
        """Note what is committed; return what of it neither waits nor is under way any more."""
        having = {id(one.kept) for one in (*self._taken, *self._queue.in_memory)}
        self._queue.confirm()
        return [kept for kept in committed if id(kept) not in having]

    def lose_file(self) -> None:
        """Drop everything in the file, because it turned out to be corrupt."""
        self._drop(self._queue.clear_file(), "corrupt")

    def health(self) -> BackendHealth:
        """Return how much waits, and why."""
        oldest = next(chain(self._taken, self._queue), None)
        return BackendHealth(
            name=self.backend.name,
            intervals=len(self._taken) + len(self._queue),
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
        self._pause.end(skip_next=self._busy)

    def drained(self) -> Deferred[None]:
        """Return a Deferred that fires when the queue is empty; cancel it to stop waiting."""
        waiting: Deferred[None] = Deferred(self._stop_waiting)
        if self._busy:
            self._idle.append(waiting)
            self.retry()
        else:
            waiting.callback(None)
        return waiting

    def stopService(self) -> Deferred[None]:
        """Leave what is in the file; drop, count and log the rest; stop the backend."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._stopped = True
        idle = self.drained()
        self._cancel()
        await idle  # a cancelled request takes a moment until its connection is closed
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
        if not all(waiting.is_in_file for waiting in self._taken):
            self._finish("stopped")
        self._drop(self._queue.clear_memory(), "stopped")
        return before - self.pending

    def _begin(self) -> None:
        if not (self._busy or self._stopped):
            Deferred.fromCoroutine(self._run())
        self._evict()

    async def _run(self) -> None:
        """Deliver until the queue is empty."""
        self._busy = True
        while (self._taken or self._queue) and not self._stopped:
            if self._delivery is None:
                await self._take()
            if self._delivery is not None:
                await self._attempt(self._delivery)
        self._busy = False
        while self._idle:
            self._idle.pop(0).callback(None)

    async def _take(self) -> None:
        """Make a delivery of the oldest snapshot; it includes the next ones if they are small."""
        self._taken = self._taken or self._queue.take()
        try:
            snapshots = await self._load(self._taken)
        except CancelledError:
            return
        except Exception as fault:
            await self._wait(f"the outbox's file: {fault}", 0.0)
            return
        lost = [one for one, part in zip(self._taken, snapshots, strict=True) if part is None]
        self._taken = [one for one in self._taken if one not in lost]
        self._drop(lost, "corrupt")
        if self._taken:
            known = self.pending - self._queue.measurements  # counting all series takes a while
            self._delivery = Delivery(list(filter(None, snapshots)), self._account.note, (), known)

    async def _load(self, taken: Sequence[Waiting]) -> Sequence[Snapshot | None]:
        """Return what passes of each snapshot, without asking the keeper if all are in memory."""
        keeper = self.keeper
        if keeper is None or all(one.kept.snapshot is not None and one.is_all for one in taken):
            return [one.part(one.kept.snapshot) for one in taken]
        loading = keeper.load(taken)
        self._cancel = loading.cancel
        return await loading

    async def _attempt(self, delivery: Delivery) -> None:
        delivery.identities = [one.kept.identity for one in self._taken]  # may be committed by now
        try:
            under_way = self.backend.deliver(delivery)
            self._cancel = under_way.cancel
            await under_way
        except RetryLater as later:
            await self._wait(later.reason, later.after)
        except Exception as fault:  # a backend's bug must not stop the queue
            await self._fault(delivery, fault)
        else:
            self._recovered()
            self._finish("unsent")
            free_in_turns(contents(delivery.snapshots), self._clock)

    def _recovered(self) -> None:
        if self._pause.attempts:
            self._log.info("{backend} is back", backend=self.backend.name)
        self._pause.reset()
        self._account.forget()

    async def _fault(self, delivery: Delivery, fault: Exception) -> None:
        if self._stopped:  # it was cancelled
            return
        delivery.faults += 1
        self._log.failure("{backend} failed unexpectedly", backend=self.backend.name)
        if delivery.faults >= MAX_FAULTS:
            self._finish("fault")
        else:
            await self._wait(type(fault).__name__, 0.0)

    async def _wait(self, reason: str, after: float) -> None:
        """Wait before the next attempt, exponentially longer, but at least `after` seconds."""
        if self._stopped:
            return
        self._account.count("zibrato.backend.retried")
        delay = self._pause.next_delay(after, reason)
        self._account.warn_once(
            reason, "{backend} can't deliver: {reason}; kept, next try in {delay:.1f} s", delay
        )
        await self._pause.wait(delay)

    def _evict(self) -> None:
        """Drop the oldest snapshots that are not under way, until the bounds hold."""
        under_way = sum(one.kept.size for one in self._taken if one.kept.identity is None)
        requests = self._delivery.requests_size if self._delivery else 0
        self._drop(full := self._queue.evict(under_way + requests), "outbox_full")
        self._drop(old := self._queue.expire(self._clock.seconds() - self._max_age), "expired")
        if full or old:
            self._account.warn_once(
                "full", "the outbox of {backend} is full: the oldest are dropped"
            )

    def _finish(self, reason: str) -> None:
        """End the delivery under way, if there is one; drop what is pending of it."""
        delivery, self._delivery = self._delivery, None
        taken, self._taken = self._taken, ()
        if delivery is not None and delivery.pending:
            delivery.dropped(delivery.pending, reason)
        self._let_go(taken)

    def _drop(self, waiting: Sequence[Waiting], reason: str) -> None:
        if waiting:
            self._account.note(sum(one.measurements for one in waiting), reason)
            self._let_go(waiting)

    def _let_go(self, waiting: Sequence[Waiting]) -> None:
        """Tell the keeper that this backend no longer needs the snapshots."""
        identities = [one.kept.identity for one in waiting if one.kept.identity is not None]
        if self.keeper is not None and identities:
            self.keeper.done(self.key, identities)

    def _stop_waiting(self, waiting: Deferred[None]) -> None:
        """Forget a Deferred of `drained` that was cancelled, if it hasn't fired."""
        if waiting in self._idle:
            self._idle.remove(waiting)
