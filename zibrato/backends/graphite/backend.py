"""Ships to Graphite's carbon over TCP; settings: address, protocol."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from zibrato.backends.graphite.encoding import ENCODINGS, PORTS, chunks
from zibrato.backends.graphite.points import Mapped, Metric, mapping
from zibrato.backends.graphite.sent import Sent
from zibrato.backends.graphite.stream import stream
from zibrato.backends.posting import in_turns
from zibrato.backends.rejection_log import RejectionLog
from zibrato.backends.server_address import ServerAddress
from zibrato.backends.settings import check_names
from zibrato.interfaces import BackendContext, Delivery, IBackend

__all__ = ["GraphiteBackend", "make"]

_CONFLICTING = "not sent, because another kind of metric has the path"
_NOT_FINITE = "not sent, because the sum is not a finite number"


def make(settings: Mapping[str, str], context: BackendContext) -> GraphiteBackend:
    """Return the backend of `settings`, which connects only when there is something to ship."""
    check_names(settings, "address", "protocol")
    protocol = settings.get("protocol") or "plain"
    if protocol not in ENCODINGS:
        raise ValueError(f"protocol: expected plain or pickle, got {protocol!r}")
    address = ServerAddress.parse(settings.get("address") or "localhost", PORTS[protocol])
    return GraphiteBackend(address, protocol, context)


@implementer(IBackend)
class GraphiteBackend:
    """Ships each delivery over a connection of its own; if that fails, ships all of it again.

    Repeats do no harm: of several values for a path and a time, Graphite keeps the last.
    """

    name = "graphite"

    def __init__(self, address: ServerAddress, protocol: str, context: BackendContext) -> None:
        self._address = address
        self._encode = ENCODINGS[protocol]
        self._reactor = context.reactor
        self._percentiles = context.percentiles
        self.name = context.name or self.name
        self._rejections = RejectionLog(self.name, context.reactor)
        self._sent = Sent[Metric]()

    def deliver(self, delivery: Delivery) -> Deferred[None]:
        """Ship `delivery`."""
        return Deferred.fromCoroutine(self._deliver(delivery))

    def reload(self, _settings: Mapping[str, str]) -> None:
        """Do nothing: the backend has no secret."""

    def stop(self) -> Deferred[None]:
        """Do nothing: each connection ends with its delivery."""
        return succeed(None)

    async def _deliver(self, delivery: Delivery) -> None:
        if not isinstance(delivery.requests, Mapped):
            delivery.requests = await self._mapped(delivery)
        mapped = delivery.requests
        if mapped.summaries:
            points = mapped.points(self._percentiles, self._sent)
            await stream(self._address, chunks(points, self._encode), self._reactor)
        delivery.delivered(mapped.measurements)
        # Add only after everything has arrived, or what is sent again would be added to itself.
        await in_turns(self._sent.adding(mapped.summaries), self._reactor)

    async def _mapped(self, delivery: Delivery) -> Mapped:
        """Return what is to be sent, after accounting for what isn't."""
        mapped = await in_turns(mapping(delivery.snapshots), self._reactor)
        self._note_rejected(delivery, mapped)
        delivery.requests_size = mapped.size
        return mapped

    def _note_rejected(self, delivery: Delivery, mapped: Mapped) -> None:
        for counts, reason, what in (
            (mapped.conflicting, "kind_conflict", _CONFLICTING),
            (mapped.not_finite, "not_finite", _NOT_FINITE),
        ):
            if counts:
                delivery.dropped(counts.total(), reason)
                self._rejections.log_once(what, counts)
