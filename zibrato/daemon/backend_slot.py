"""A stand-in for a backend, to which the outbox delivers; a reload can exchange the backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.logger import Logger
from zope.interface import implementer

from zibrato.interfaces import Delivery, IBackend


@implementer(IBackend)
class BackendSlot:
    """Hands deliveries to the backend `current`; they wait while it is None.

    If the backend was exchanged during a delivery, the new backend gets all of the delivery again,
    as after a restart. `restored` is then called with the number of measurements that were already
    accounted for, and are pending again.
    """

    _log = Logger()

    def __init__(self, name: str, backend: IBackend, restored: Callable[[int], object]) -> None:
        self.name = name
        self.current: IBackend | None = backend
        self._restored = restored
        self._busy: IBackend | None = None
        self._begun: tuple[Delivery, IBackend] | None = None
        self._leaving: IBackend | None = None
        self._waiting: Deferred[None] | None = None

    def deliver(self, delivery: Delivery) -> Deferred[None]:
        """Have the current backend ship the delivery."""
        return Deferred.fromCoroutine(self._deliver(delivery))

    def reload(self, settings: Mapping[str, str]) -> None:
        """Have the backend take over the settings that may change while it runs."""
        if self.current is not None:
            self.current.reload(settings)

    def replace(self, backend: IBackend | None) -> None:
        """Use another backend from now on, or none; stop the old one after its current attempt."""
        before, self.current = self.current, backend
        if before is not None and before is self._busy:
            self._leaving = before
        elif before is not None:
            self._stop(before)
        waiting, self._waiting = self._waiting, None
        if backend is not None and waiting is not None:
            waiting.callback(None)

    def stop(self) -> Deferred[None]:
        """Stop the backend, if there is one."""
        return succeed(None) if self.current is None else self.current.stop()

    async def _deliver(self, delivery: Delivery) -> None:
        while self.current is None:
            self._waiting = Deferred()
            await self._waiting
        backend = self._busy = self.current
        if self._begun is not None and self._begun[0] is delivery and self._begun[1] is not backend:
            self._begin_anew(delivery)
        self._begun = delivery, backend
        try:
            await backend.deliver(delivery)
        finally:
            self._busy = None
            leaving, self._leaving = self._leaving, None
            if leaving is not None:
                self._stop(leaving)
            if not delivery.pending:
                self._begun = None

    def _begin_anew(self, delivery: Delivery) -> None:
        whole = sum(snapshot.measurements for snapshot in delivery.snapshots)
        self._restored(whole - delivery.pending)
        delivery.pending, delivery.faults = whole, 0
        delivery.requests, delivery.requests_size = None, 0

    def _stop(self, backend: IBackend) -> None:
        maybeDeferred(backend.stop).addErrback(
            lambda failure: self._log.failure("{name} failed to stop", failure, name=self.name)
        )
