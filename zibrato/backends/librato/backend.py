"""Ships to a Librato API; settings: username, apikey, hostname, apipath, api, proxy.

Librato rejects a whole request because of one bad measurement. Therefore a rejected request is
halved until the rejected measurement is alone. That one is dropped, logged, and muted for a while.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from zope.interface import implementer

from zibrato.backends.bisection import Bisection, Outcome
from zibrato.backends.http import HttpClient, client
from zibrato.backends.http_proxy import Proxy
from zibrato.backends.librato.account import TAGGED, Account
from zibrato.backends.librato.api import LibratoApi
from zibrato.backends.librato.mapping import Mapped, mapping
from zibrato.backends.librato.requests import Item, encoded, encoded_tagged
from zibrato.backends.librato.streams import LEGACY_STREAMS, TAGGED_STREAMS
from zibrato.backends.posting import Verdict, in_turns, measurements, note, rejected_share
from zibrato.backends.rejection_log import RejectionLog
from zibrato.interfaces import BackendContext, Delivery, IBackend

_LONG_AGO = 3600.0
"""Seconds: what is older can't have been rejected for being in the future."""
_ABOUT_TIME = re.compile(r"measure_time|\bparams?: time[:,]")
_MERGED = "sent under the name of another metric, which to Librato is the same name"
_CONFLICTING = "not sent, because another kind of metric has the name"
_NOT_FINITE = "not sent, because the sum is not a finite number"


def make(settings: Mapping[str, str], context: BackendContext) -> LibratoBackend:
    """Return the backend of `settings`, with a connection pool of its own."""
    account = Account.parse(settings)
    proxy = Proxy.parse(settings["proxy"]) if settings.get("proxy") else None
    http, close = client(context.reactor, proxy)
    return LibratoBackend(account, context, http, close)


@implementer(IBackend)
class LibratoBackend:
    """Posts with `http`, which is or acts like a treq HTTPClient; `release` frees its resources."""

    name = "librato"
    _log = Logger()

    def __init__(
        self,
        account: Account,
        context: BackendContext,
        http: HttpClient,
        release: Callable[[], Deferred[None]] = lambda: succeed(None),
    ) -> None:
        self._is_tagged = account.api == TAGGED
        self._api = LibratoApi(account, http, context.reactor)
        self.name = context.name or self.name
        self._rejections = RejectionLog(self.name, context.reactor)
        self._clock = context.reactor
        self._percentiles = context.percentiles
        self._release = release

    def deliver(self, delivery: Delivery) -> Deferred[None]:
        """Ship what is left of `delivery`; nothing that was accepted is sent twice."""
        return Deferred.fromCoroutine(self._deliver(delivery))

    def reload(self, settings: Mapping[str, str]) -> None:
        """Change the account; if the new one is invalid, log that and keep the old one."""
        try:
            self._api.account = Account.parse(settings)
        except ValueError as error:
            self._log.error("{backend} keeps its account: {why}", backend=self.name, why=str(error))

    def stop(self) -> Deferred[None]:
        """Close the connections."""
        return self._release()

    async def _deliver(self, delivery: Delivery) -> None:
        remaining = delivery.requests
        if not isinstance(remaining, Bisection):
            streams = TAGGED_STREAMS if self._is_tagged else LEGACY_STREAMS
            work = mapping(delivery.snapshots, self._percentiles, streams)
            mapped = await in_turns(work, self._clock)
            remaining = delivery.requests = self._remaining(delivery, mapped)
            delivery.requests_size = sum(item.size for item in mapped.items)
        while remaining.request:
            encode = encoded_tagged if self._is_tagged else encoded
            body = encode(remaining.request)
            self._note(delivery, remaining, await self._api.post(body))

    def _remaining(self, delivery: Delivery, mapped: Mapped) -> Bisection[Item]:
        """Return what is to be sent, after accounting for what isn't."""
        items = self._rejections.unmuted(mapped.items)
        muted = measurements(mapped.items) - measurements(items)
        for reason, count in (
            ("kind_conflict", mapped.conflicting.total()),
            ("not_finite", mapped.not_finite.total()),
            ("muted", muted),
        ):
            if count:
                delivery.dropped(count, reason)
        self._rejections.log_once(_MERGED, mapped.merged)
        self._rejections.log_once(_CONFLICTING, mapped.conflicting)
        self._rejections.log_once(_NOT_FINITE, mapped.not_finite)
        return Bisection(items)

    def _note(self, delivery: Delivery, remaining: Bisection[Item], verdict: Verdict) -> None:
        """Account for the items whose fate a request has decided, whether accepted or rejected."""
        rejection = verdict.rejection
        lost = rejected_share(remaining.request, verdict, "measurements", self._rejections)
        if rejection is None:
            outcome = remaining.accepted()
        elif _ABOUT_TIME.search(rejection):  # an interval's time, not a measurement's
            outcome = self._misdated(remaining)
        else:
            outcome = remaining.rejected(rejection)
        note(delivery, outcome, self._rejections, rejection, lost=lost)

    def _misdated(self, remaining: Bisection[Item]) -> Outcome[Item]:
        """Find the interval whose time makes a request rejected, and give that interval up.

        If the interval is too old, all older intervals are given up as well.
        """
        if remaining.halve_by(lambda item: item.measure_time):
            return Outcome()
        time = remaining.request[0].measure_time
        earliest = 0 if time < self._clock.seconds() - _LONG_AGO else time
        return remaining.give_up(lambda item: earliest <= item.measure_time <= time)
