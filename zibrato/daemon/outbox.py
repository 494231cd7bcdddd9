"""A bounded queue in front of one backend: order, retries, and the account of what became of it.

accepted = delivered + pending + dropped by reason, in measurements.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from twisted.application.internet import backoffPolicy
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.interfaces import Delivery, IBackend, RetryLater
from zibrato.levels import EVERYTHING, LevelFilter
from zibrato.model import Snapshot

MAX_BYTES = 64 * 1024 * 1024
MAX_TOGETHER = 3000
"""Series of several snapshots that are delivered together, in as few requests as they need."""
FIRST_DELAY = 1.0
MAX_DELAY = 60.0
MAX_FAULTS = 3
# The jitter is the outbox's own, half of the delay: all daemons of a fleet ship at the same full
# seconds, and Twisted's one second would not spread their retries.
_backoff = backoffPolicy(FIRST_DELAY, MAX_DELAY, factor=2, jitter=lambda: 0.0)


class _Waiting(NamedTuple):
    """A snapshot that waits, and about how many bytes of memory it takes."""

    snapshot: Snapshot
    size: int


class Outbox(Service):
    """Ships snapshots to `backend`, oldest first, in one delivery at a time until it has arrived.

    Past `max_bytes` (about, in memory) the oldest snapshot that is not under way is dropped.
    `jitter` returns a number in [0, 1).
    """

    _log = Logger()

    def __init__(
        self,
        backend: IBackend,
        clock: IReactorTime,
        metrics: SelfMetrics,
        *,
        levels: LevelFilter = EVERYTHING,
        max_bytes: int = MAX_BYTES,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.backend = backend
        self.levels = levels
        self._clock = clock
        self._metrics = metrics
        self._max_bytes = max_bytes
        self._jitter = jitter
        self._queue: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._delivery: Delivery | None = None
        self._delivery_bytes = 0
        self._attempts = 0
        self._logged: set[str] = set()
        self._busy = False
        self._stopped = False
        self._skip_pause = False
        self._under_way: Deferred[None] | None = None
        self._pause: Deferred[None] | None = None
        self._idle: list[Deferred[None]] = []

    @property
    def pending(self) -> int:
        """How many measurements wait or are under way."""
        under_way = self._delivery.pending if self._delivery else 0
        return under_way + sum(waiting.snapshot.measurements for waiting in self._queue)

    @property
    def size(self) -> int:
        """About how many bytes of memory it holds, with the backend's note of what it sends."""
        requests = self._delivery.requests_size if self._delivery else 0
        return self._waiting_bytes + self._delivery_bytes + requests

    def put(self, snapshot: Snapshot) -> None:
        """Queue `snapshot`, what passes this backend's levels of it."""
        passing = {
            series: summary
            for series, summary in snapshot.summaries.items()
            if self.levels.passes(series.level)
        }
        if not passing:
            return
        accepted = snapshot._replace(summaries=passing)
        measurements = accepted.measurements
        self._metrics.count("zibrato.outbox.accepted", measurements, backend=self.backend.name)
        if self._stopped:
            self._note(measurements, "stopped")
            return
        self._queue.append(_Waiting(accepted, accepted.size))
        self._waiting_bytes += self._queue[-1].size
        if not self._busy:
            Deferred.fromCoroutine(self._run())
        self._evict()

    def report(self) -> None:
        """Set the gauges of the queue's depth, in snapshots and bytes."""
        name = self.backend.name
        under_way = len(self._delivery.snapshots) if self._delivery else 0
        self._metrics.gauge("zibrato.outbox.snapshots", under_way + len(self._queue), backend=name)
        self._metrics.gauge("zibrato.outbox.bytes", self.size, backend=name)

    def retry(self) -> None:
        """End a pause between two attempts now, or leave out the one after the current attempt."""
        if self._pause is not None:
            self._pause.callback(None)
        else:
            self._skip_pause = self._busy

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
        """Drop what is left, counted and logged, and release the backend."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._stopped = True
        idle = self.drained()
        if self._under_way is not None:
            self._under_way.cancel()
        await idle  # a cancelled request takes a moment to close its connection
        left = self.pending
        self._finish("stopped")
        while self._queue:
            self._note(self._pop().measurements, "stopped")
        if left:
            self._log.warn(
                "stopped before {backend} had everything: {count} measurements are dropped",
                backend=self.backend.name,
                count=left,
            )
        await self.backend.stop()

    async def _run(self) -> None:
        """Deliver until the queue is empty."""
        self._busy = True
        while (self._delivery or self._queue) and not self._stopped:
            if self._delivery is None:
                self._delivery = self._next()
            await self._attempt(self._delivery)
        self._busy = False
        while self._idle:
            self._idle.pop(0).callback(None)

    def _next(self) -> Delivery:
        """Return a delivery of the oldest snapshot, and of as many after it as are small."""
        before = self._waiting_bytes
        snapshots = [self._pop()]
        series = len(snapshots[0].summaries)
        while self._queue:
            series += len(self._queue[0].snapshot.summaries)
            if series > MAX_TOGETHER:
                break
            snapshots.append(self._pop())
        self._delivery_bytes = before - self._waiting_bytes
        return Delivery(snapshots, self._note)

    def _pop(self) -> Snapshot:
        """Remove the oldest snapshot that waits, and return it."""
        oldest = self._queue.popleft()
        self._waiting_bytes -= oldest.size
        return oldest.snapshot

    async def _attempt(self, delivery: Delivery) -> None:
        try:
            self._under_way = self.backend.deliver(delivery)
            await self._under_way
        except RetryLater as later:
            await self._wait(later.reason, later.after)
        except Exception as fault:  # a backend's bug must not stop the queue
            await self._fault(delivery, fault)
        else:
            self._recovered()
            self._finish("unsent")

    def _recovered(self) -> None:
        if self._attempts:
            self._log.info("{backend} is back", backend=self.backend.name)
        self._attempts = 0
        self._skip_pause = False
        self._logged.clear()

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
        """Wait before the next attempt: exponentially longer, at least `after` seconds."""
        if self._stopped:
            return
        self._metrics.count("zibrato.backend.retried", backend=self.backend.name)
        delay = max(after, _backoff(self._attempts) * (1 + self._jitter()) / 2)
        self._attempts += 1
        self._log_reason(reason, delay)
        if self._skip_pause:
            self._skip_pause = False
            return
        self._pause = Deferred()
        timer = self._clock.callLater(delay, self.retry)
        await self._pause
        self._pause = None
        if timer.active():
            timer.cancel()

    def _log_reason(self, reason: str, delay: float) -> None:
        """Log why the backend can't deliver: each reason once until it is back."""
        if reason not in self._logged:
            self._logged.add(reason)
            self._log.warn(
                "{backend} can't deliver: {reason}; kept, next try in {delay:.1f} s",
                backend=self.backend.name,
                reason=reason,
                delay=delay,
            )

    def _evict(self) -> None:
        """Drop the oldest snapshots that are not under way, down to `max_bytes`."""
        dropped = 0
        while self.size > self._max_bytes and self._queue:
            dropped += self._pop().measurements
        if dropped:
            self._note(dropped, "outbox_full")
            self._log.warn(
                "the outbox of {backend} is full: the oldest {count} measurements are dropped",
                backend=self.backend.name,
                count=dropped,
            )

    def _finish(self, reason: str) -> None:
        """Let go of the delivery under way, if any; what is pending of it is dropped."""
        delivery, self._delivery = self._delivery, None
        self._delivery_bytes = 0
        if delivery is not None and delivery.pending:
            delivery.dropped(delivery.pending, reason)

    def _stop_waiting(self, waiting: Deferred[None]) -> None:
        """Wait no longer for a Deferred that `drained` returned, where it still is waited for."""
        if waiting in self._idle:
            self._idle.remove(waiting)

    def _note(self, measurements: int, reason: str | None) -> None:
        name = self.backend.name
        if reason is None:
            self._metrics.count("zibrato.backend.delivered", measurements, backend=name)
        else:
            self._metrics.count(
                "zibrato.backend.dropped", measurements, backend=name, reason=reason
            )
