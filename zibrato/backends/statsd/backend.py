"""Relays to a statsd or DogStatsD server by UDP; settings: address, dialect, mtu."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from zibrato.backends.rejection_log import RejectionLog
from zibrato.backends.server_address import ServerAddress
from zibrato.backends.settings import check_names
from zibrato.backends.statsd.datagrams import Datagrams
from zibrato.backends.statsd.lines import DIALECTS, STATSD, Packet, lines, packets
from zibrato.interfaces import BackendContext, Delivery, IBackend

__all__ = ["StatsdBackend", "make"]

PORT = 8125
MTU = 1432
"""Default bytes of a packet, which an Ethernet carries in one piece, even through tunnels."""
MIN_MTU, MAX_MTU = 512, 65_507
_REASONS = {
    "not_finite": "not sent, because the sum is not a finite number",
    "too_long": "not sent, because name and tags fill a packet",
}


def make(settings: Mapping[str, str], context: BackendContext) -> StatsdBackend:
    """Return the backend of `settings`; it has a socket only while there is something to ship."""
    check_names(settings, "address", "dialect", "mtu")
    dialect = settings.get("dialect") or STATSD
    if dialect not in DIALECTS:
        raise ValueError(f"dialect: expected statsd or datadog, got {dialect!r}")
    text = settings.get("mtu") or str(MTU)
    if not (text.isascii() and text.isdigit() and MIN_MTU <= int(text[:9]) <= MAX_MTU):
        raise ValueError(f"mtu: expected bytes from {MIN_MTU} to {MAX_MTU}, got {text!r}")
    address = ServerAddress.parse(settings.get("address") or "localhost", PORT)
    return StatsdBackend(address, dialect, int(text), context)


class _Rest:
    """What is left to send of a delivery; `packets` were sent, but may not have arrived."""

    def __init__(self, source: Iterator[Packet]) -> None:
        self.packets: list[Packet] = []
        self._source = source

    def take(self, number: int) -> list[Packet]:
        """Return the next `number` packets; those that are to be sent again come first."""
        self.packets += islice(self._source, max(0, number - len(self.packets)))
        return self.packets[:number]


@implementer(IBackend)
class StatsdBackend:
    """Sends packets of at most `mtu` bytes; UDP reports a loss only if nobody listens."""

    name = "statsd"

    def __init__(
        self, address: ServerAddress, dialect: str, mtu: int, context: BackendContext
    ) -> None:
        self._address = address
        self._dialect = dialect
        self._mtu = mtu
        self._reactor = context.reactor
        self.name = context.name or self.name
        self._rejections = RejectionLog(self.name, context.reactor)

    def deliver(self, delivery: Delivery) -> Deferred[None]:
        """Send what is left of `delivery`."""
        return Deferred.fromCoroutine(self._deliver(delivery))

    def reload(self, _settings: Mapping[str, str]) -> None:
        """Do nothing: the backend has no secret."""

    def stop(self) -> Deferred[None]:
        """Do nothing: each socket ends with its delivery."""
        return succeed(None)

    async def _deliver(self, delivery: Delivery) -> None:
        rest = delivery.requests
        if not isinstance(rest, _Rest):
            rest = delivery.requests = _Rest(self._packets(delivery))
        datagrams = Datagrams(self._address, self._reactor)
        await datagrams.open()
        try:
            while burst := rest.take(datagrams.burst):
                arrived, later = await datagrams.send([packet.data for packet in burst])
                delivery.delivered(sum(packet.measurements for packet in rest.packets[:arrived]))
                del rest.packets[:arrived]
                if later is not None:
                    raise later
        finally:
            datagrams.close()

    def _packets(self, delivery: Delivery) -> Iterator[Packet]:
        """Generate packets, and account for what can't be sent."""
        source = lines(delivery.snapshots, self._dialect, self._mtu)
        for item in packets(source, self._mtu):
            if isinstance(item, Packet):
                yield item
            else:
                delivery.dropped(item.measurements, item.reason)
                what = _REASONS[item.reason]
                self._rejections.log_once(what, Counter({item.name: item.measurements}))
