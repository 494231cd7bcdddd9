"""Keeps snapshots in a list, for tests; no settings."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from zibrato.backends.settings import check_names
from zibrato.interfaces import BackendContext, Delivery, IBackend
from zibrato.model import Snapshot


def make(settings: Mapping[str, str], _context: BackendContext) -> MemoryBackend:
    """Return a backend with no snapshots yet."""
    check_names(settings)
    return MemoryBackend()


@implementer(IBackend)
class MemoryBackend:
    """Keeps the delivered snapshots in `snapshots`, oldest first and without a bound."""

    name = "memory"

    def __init__(self) -> None:
        self.snapshots: list[Snapshot] = []

    def deliver(self, delivery: Delivery) -> Deferred[None]:
        """Keep the snapshots."""
        self.snapshots.extend(delivery.snapshots)
        delivery.delivered(delivery.pending)
        return succeed(None)

    def reload(self, _settings: Mapping[str, str]) -> None:
        """Do nothing."""

    def stop(self) -> Deferred[None]:
        """Do nothing: what was kept can still be examined."""
        return succeed(None)
