"""Ships what waits in an outbox to its backend, one delivery at a time, until it succeeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from zibrato.daemon.backend_account import BackendAccount
from zibrato.daemon.outbox.freeing import contents, free_in_turns
from zibrato.daemon.outbox.kept_snapshot import Keeper, Waiting
from zibrato.daemon.outbox.queue import OutboxQueue
from zibrato.daemon.outbox.retry_pause import RetryPause
from zibrato.interfaces import Delivery, IBackend, RetryLater
from zibrato.model import Snapshot

MAX_FAULTS = 3
"""How often a backend may fail with a bug before a delivery is dropped."""


class Holder(Protocol):
    """The outbox: it knows where snapshots are kept, and drops them."""

    keeper: Keeper | None

    def drop(self, waiting: Sequence[Waiting], reason: str) -> None:
        """Count snapshots as dropped, and let them go."""

    def let_go(self, waiting: Sequence[Waiting]) -> None:
        """Tell the keeper that the backend no longer needs the snapshots."""


class Shipping:
    """Takes snapshots from `queue`, and delivers them; `pause` is between two attempts."""

    _log = Logger()

    def __init__(
        self,
        backend: IBackend,
        clock: IReactorTime,
        account: BackendAccount,
        *,
        queue: OutboxQueue,
        pause: RetryPause,
        holder: Holder,
    ) -> None:
        self.backend = backend
        self.is_stopped = False
        self.taken: Sequence[Waiting] = ()
        """What is under way."""
        self._clock = clock
        self._account = account
        self._queue = queue
        self._pause = pause
        self._holder = holder
        self._delivery: Delivery | None = None
        self._busy = False
        self._cancel: Callable[[], object] = lambda: None
        self._idle: list[Deferred[None]] = []

    @property
    def pending(self) -> int:
        """The number of measurements that are under way."""
        if self._delivery is not None:
            return self._delivery.pending
        return sum(waiting.measurements for waiting in self.taken)

    @property
    def requests_size(self) -> int:
        """Bytes of memory of the backend's `requests`."""
        return self._delivery.requests_size if self._delivery else 0

    def begin(self) -> None:
        """Deliver until the queue is empty, unless that is going on."""
        if not (self._busy or self.is_stopped):
            Deferred.fromCoroutine(self._run())

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

    async def stop(self) -> None:
        """Cancel the delivery, which stays under way."""
        self.is_stopped = True
        idle = self.drained()
        self._cancel()
        await idle  # a cancelled request takes a moment until its connection is closed

    def finish(self, reason: str) -> None:
        """End the delivery under way, if there is one; drop what is pending of it."""
        delivery, self._delivery = self._delivery, None
        taken, self.taken = self.taken, ()
        if delivery is not None and delivery.pending:
            delivery.dropped(delivery.pending, reason)
        self._holder.let_go(taken)

    async def _run(self) -> None:
        """Deliver until the queue is empty."""
        self._busy = True
        while (self.taken or self._queue) and not self.is_stopped:
            if self._delivery is None:
                await self._take()
            if self._delivery is not None:
                await self._attempt(self._delivery)
        self._busy = False
        while self._idle:
            self._idle.pop(0).callback(None)

    async def _take(self) -> None:
        """Make a delivery of the oldest snapshot; it includes the next ones if they are small."""
        self.taken = self.taken or self._queue.take()
        try:
            snapshots = await self._load(self.taken)
        except CancelledError:
            return
        except Exception as fault:
            await self._wait(f"the outbox's file: {fault}", 0.0)
            return
        lost = [one for one, part in zip(self.taken, snapshots, strict=True) if part is None]
        self.taken = [one for one in self.taken if one not in lost]
        self._holder.drop(lost, "corrupt")
        if self.taken:
            known = self.pending  # counting all series takes a while
            self._delivery = Delivery(list(filter(None, snapshots)), self._account.note, (), known)

    async def _load(self, taken: Sequence[Waiting]) -> Sequence[Snapshot | None]:
        """Return what passes of each snapshot, without asking the keeper if all are in memory."""
        keeper = self._holder.keeper
        if keeper is None or all(one.kept.snapshot is not None and one.is_all for one in taken):
            return [one.part(one.kept.snapshot) for one in taken]
        loading = keeper.load(taken)
        self._cancel = loading.cancel
        return await loading

    async def _attempt(self, delivery: Delivery) -> None:
        delivery.identities = [one.kept.identity for one in self.taken]  # may be committed by now
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
            self.finish("unsent")
            free_in_turns(contents(delivery.snapshots), self._clock)

    def _recovered(self) -> None:
        if self._pause.attempts:
            self._log.info("{backend} is back", backend=self.backend.name)
        self._pause.reset()
        self._account.forget()

    async def _fault(self, delivery: Delivery, fault: Exception) -> None:
        if self.is_stopped:  # it was cancelled
            return
        delivery.faults += 1
        self._log.failure("{backend} failed unexpectedly", backend=self.backend.name)
        if delivery.faults >= MAX_FAULTS:
            self.finish("fault")
        else:
            await self._wait(type(fault).__name__, 0.0)

    async def _wait(self, reason: str, after: float) -> None:
        """Wait before the next attempt, exponentially longer, but at least `after` seconds."""
        if self.is_stopped:
            return
        self._account.count("zibrato.backend.retried")
        delay = self._pause.next_delay(after, reason)
        self._account.warn_once(
            reason, "{backend} can't deliver: {reason}; kept, next try in {delay:.1f} s", delay
        )
        await self._pause.wait(delay)

    def _stop_waiting(self, waiting: Deferred[None]) -> None:
        """Forget a Deferred of `drained` that was cancelled, if it hasn't fired."""
        if waiting in self._idle:
            self._idle.remove(waiting)
