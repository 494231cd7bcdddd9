"""Ships to a Librato API; settings: username, apikey, hostname, apipath.

One refused measurement fails a whole request there, so a refused request is halved until the
culprits are found. These are given up, named in the log, and left out for a while.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from treq.client import HTTPClient
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.web.client import Agent, HTTPConnectionPool
from zope.interface import implementer

from zibrato.backends.librato.api import Account, LibratoApi
from zibrato.backends.librato.mapping import Mapped, mapping
from zibrato.backends.librato.rejection_log import Complaints
from zibrato.backends.librato.requests import Item, Parcel, encoded, packed
from zibrato.interfaces import BackendContext, Delivery, IBackend

CONNECT_TIMEOUT = 10.0
PROBES = 16
_MERGED = "sent under the name of others, which are the same to Librato"
_CONFLICTING = "not sent, for the name is one of another kind"
_NOT_FINITE = "not sent, for the sum is no finite number"


def make(settings: Mapping[str, str], context: BackendContext) -> LibratoBackend:
    """Return the backend of `settings`, with a connection pool of its own."""
    account = Account.parse(settings)
    pool = HTTPConnectionPool(context.reactor)
    pool._factory = _Quiet
    http = HTTPClient(Agent(context.reactor, connectTimeout=CONNECT_TIMEOUT, pool=pool))
    return LibratoBackend(account, context, http, pool.closeCachedConnections)


class _Quiet(HTTPConnectionPool._factory):  # type: ignore[misc, valid-type]
    """Connections that aren't logged, each twice; the pool has no public way to say so."""

    noisy = False


class Parcels(deque[Parcel]):
    """What is left of a delivery, each parcel a request.

    It is `proven` that the API takes measurements of this interval once it took some. Until
    then, what was refused alone is a suspect: the reason may be one that has nothing to do with
    it, such as the interval's age.
    """

    def __init__(self, parcels: Iterable[Parcel]) -> None:
        super().__init__(parcels)
        self.proven = False
        self.suspects: list[tuple[Item, str]] = []

    def halve(self, parcel: Parcel) -> None:
        """Put the halves of `parcel` first."""
        middle = len(parcel) // 2
        self.extendleft((parcel[middle:], parcel[:middle]))

    def probe(self, parcel: Parcel) -> None:
        """Put a few measurements from all over `parcel` and what follows first, each alone."""
        items = [item for each in (parcel, *self) for item in each]
        step = -(-len(items) // PROBES)
        probes = items[::step]
        del items[::step]
        self.clear()
        self.extend([item] for item in probes)
        self.extend(packed(items))


@implementer(IBackend)
class LibratoBackend:
    """Posts with `http`, a treq HTTPClient or its like; `release` frees what that holds."""

    name = "librato"
    _log = Logger()

    def __init__(
        self,
        account: Account,
        context: BackendContext,
        http: Any,
        release: Callable[[], Deferred[None]] = lambda: succeed(None),
    ) -> None:
        self._api = LibratoApi(account, http, context.reactor)
        self._complaints = Complaints(self.name, context.reactor)
        self._clock = context.reactor
        self._percentiles = context.percentiles
        self._release = release

    def deliver(self, delivery: Delivery) -> Deferred[None]:
        """Ship what is left of `delivery`; nothing that was accepted is sent twice."""
        return Deferred.fromCoroutine(self._deliver(delivery))

    def reload(self, settings: Mapping[str, str]) -> None:
        """Take over the account; one that is no good is logged, and the old one stays."""
        try:
            self._api.account = Account.parse(settings)
        except ValueError as error:
            self._log.error("{backend} keeps its account: {why}", backend=self.name, why=str(error))

    def stop(self) -> Deferred[None]:
        """Close the connections."""
        return self._release()

    async def _deliver(self, delivery: Delivery) -> None:
        parcels = delivery.requests
        if not isinstance(parcels, Parcels):
            parcels = delivery.requests = self._packed(delivery, await self._mapped(delivery))
        while parcels:
            refusal = await self._api.post(encoded(parcels[0], delivery.snapshot.start))
            if refusal is None:
                self._accepted(delivery, parcels)
            else:
                self._refused(delivery, parcels, refusal)
        if parcels.suspects:
            self._give_up(delivery, parcels, parcels.suspects[0][1])

    async def _mapped(self, delivery: Delivery) -> Mapped:
        """Map the snapshot, leaving the reactor its turns if it is a big one."""
        work = mapping(delivery.snapshot.summaries, self._percentiles)
        while True:
            try:
                next(work)
            except StopIteration as done:
                mapped: Mapped = done.value
                return mapped
            await deferLater(self._clock, 0)

    def _packed(self, delivery: Delivery, mapped: Mapped) -> Parcels:
        """Return the parcels to send, having accounted for what is not to be sent."""
        items = self._complaints.audible(mapped.items)
        muted = _measurements(mapped.items) - _measurements(items)
        for reason, count in (
            ("kind_conflict", mapped.conflicting.total()),
            ("not_finite", mapped.not_finite.total()),
            ("muted", muted),
        ):
            if count:
                delivery.dropped(count, reason)
        self._complaints.tell(_MERGED, mapped.merged)
        self._complaints.tell(_CONFLICTING, mapped.conflicting)
        self._complaints.tell(_NOT_FINITE, mapped.not_finite)
        return Parcels(packed(items))

    def _accepted(self, delivery: Delivery, parcels: Parcels) -> None:
        """Account for the first parcel; who was refused alone before is a culprit now."""
        delivery.delivered(_measurements(parcels.popleft()))
        parcels.proven = True
        while parcels.suspects:
            self._convict(delivery, *parcels.suspects.pop(0))

    def _refused(self, delivery: Delivery, parcels: Parcels, refusal: str) -> None:
        """Find out what is wrong with the first parcel."""
        parcel = parcels.popleft()
        if "measure_time" in refusal:  # which is the interval's, not a measurement's
            self._give_up(delivery, parcels, refusal)
        elif len(parcel) == 1 and parcels.proven:
            self._convict(delivery, parcel[0], refusal)
        elif len(parcel) == 1:
            parcels.suspects.append((parcel[0], refusal))
        elif parcels.proven:
            parcels.halve(parcel)
        elif parcels.suspects:  # the probes were refused, and the rest is too
            self._give_up(delivery, parcels, refusal)
        else:
            parcels.probe(parcel)

    def _convict(self, delivery: Delivery, item: Item, refusal: str) -> None:
        delivery.dropped(item.measurements, "refused")
        self._complaints.mute(item, refusal)

    def _give_up(self, delivery: Delivery, parcels: Parcels, refusal: str) -> None:
        """Lose what is left of an interval; that is no measurement's fault: mute none."""
        names = [item.name for item, _ in parcels.suspects]
        self._complaints.refused_all(names, refusal, delivery.pending)
        delivery.dropped(delivery.pending, "refused")
        parcels.suspects.clear()
        parcels.clear()


def _measurements(items: Iterable[Item]) -> int:
    return sum(item.measurements for item in items)
