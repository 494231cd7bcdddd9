"""Ships by OTLP over HTTP; settings: url, headers, proxy, temporality, resource, totals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from gzip import compress
from typing import NamedTuple

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from zope.interface import implementer

from zibrato.backends.bisection import Bisection
from zibrato.backends.http import HttpClient, Poster, RequestHeaders, client
from zibrato.backends.http_target import NAMES, HttpTarget
from zibrato.backends.otlp.data_points import DataPoint, data_points, request_of
from zibrato.backends.otlp.responses import classify
from zibrato.backends.posting import Verdict, in_turns, measurements, note, rejected_share
from zibrato.backends.rejection_log import RejectionLog
from zibrato.backends.settings import check_names
from zibrato.backends.totals import Addition, Totals
from zibrato.backends.totals_place import totals_of
from zibrato.interfaces import BackendContext, Delivery, IBackend, RetryLater
from zibrato.model import Snapshot

__all__ = ["OtlpBackend", "make"]

URL = "http://localhost:4318/v1/metrics"
MAX_POINTS = 1000
"""Data points of a request."""
TEMPORALITIES = ("delta", "cumulative")
_HEADERS: RequestHeaders = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "gzip",
}


def make(settings: Mapping[str, str], context: BackendContext) -> OtlpBackend:
    """Return the backend of `settings`, with connections of its own."""
    check_names(settings, *NAMES, "temporality", "resource", "totals")
    temporality = settings.get("temporality", "delta")
    if temporality not in TEMPORALITIES:
        raise ValueError(f"temporality: expected delta or cumulative, got {temporality!r}")
    target = HttpTarget.parse(settings, URL)
    resource = _resource(settings.get("resource", ""))
    if "totals" in settings and temporality == "delta":
        raise ValueError("totals: expected it with temporality=cumulative; leave it out")
    totals = totals_of(settings, context, "otlp") if temporality == "cumulative" else None
    http, close = client(context.reactor, target.proxy)
    return OtlpBackend(target, context, http, close, totals=totals, resource=resource)


def _resource(text: str) -> Mapping[str, str]:
    attributes = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.partition("=")
        if not (name and equals and value):
            raise ValueError(
                f"resource: expected NAME=VALUE, and a comma between two, got {part!r}"
            )
        attributes[name] = value
    return attributes


class _Work(NamedTuple):
    """What is left to send of a delivery, and what it adds to the totals once that is sent."""

    remaining: Bisection[DataPoint]
    addition: Addition | None = None


@implementer(IBackend)
class OtlpBackend:
    """Posts with `http`, a treq HTTPClient or its like; `release` frees what that holds.

    With `totals` sums and histograms are cumulative, else deltas.
    """

    name = "otlp"
    _log = Logger()

    def __init__(
        self,
        target: HttpTarget,
        context: BackendContext,
        http: HttpClient,
        release: Callable[[], Deferred[None]] = lambda: succeed(None),
        *,
        totals: Totals | None = None,
        resource: Mapping[str, str] | None = None,
    ) -> None:
        self._target = target
        self._reactor = context.reactor
        self._poster = Poster(http, context.reactor)
        self._rejections = RejectionLog(self.name, context.reactor)
        self._release = release
        self._totals = totals
        self._resource = resource or {}

    def deliver(self, delivery: Delivery) -> Deferred[None]:
        """Ship what is left of `delivery`; nothing that was accepted is sent twice."""
        return Deferred.fromCoroutine(self._deliver(delivery))

    def reload(self, settings: Mapping[str, str]) -> None:
        """Take over url and headers; what is no good is logged, and the old ones stay."""
        try:
            self._target = HttpTarget.parse(settings, URL)
        except ValueError as error:
            self._log.error("{backend} keeps its url: {why}", backend=self.name, why=str(error))

    def stop(self) -> Deferred[None]:
        """Close the connections, and the file of totals."""
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._totals is not None:
            await self._totals.stop()
        await self._release()

    async def _deliver(self, delivery: Delivery) -> None:
        work = delivery.requests
        if not isinstance(work, _Work):
            work = delivery.requests = await self._begin(delivery)
        await self._send(delivery, work.remaining)
        if self._totals is not None and work.addition is not None:
            await self._totals.commit(work.addition, delivery.identities)

    async def _begin(self, delivery: Delivery) -> _Work:
        if self._totals is None:
            points = await self._points(delivery, delivery.snapshots, None)
            return _Work(Bisection(points, MAX_POINTS))
        addition = await self._totals.begin(delivery, self._reactor.seconds())
        points = await self._points(delivery, addition.snapshots, addition)
        return _Work(Bisection(points, MAX_POINTS), addition)

    async def _send(self, delivery: Delivery, remaining: Bisection[DataPoint]) -> None:
        while remaining.request:
            points = remaining.request
            verdict = await self._post(points)
            rejection = verdict.rejection
            outcome = remaining.accepted() if rejection is None else remaining.rejected(rejection)
            lost = rejected_share(points, verdict, "data points", self._rejections)
            note(delivery, outcome, self._rejections, rejection, lost=lost)

    async def _points(
        self, delivery: Delivery, snapshots: Sequence[Snapshot], addition: Addition | None
    ) -> list[DataPoint]:
        """Return the data points to send, having accounted for what is not."""
        work = data_points(snapshots, addition)
        points, not_finite = await in_turns(work, self._reactor)
        kept = self._rejections.unmuted(points)
        for count, reason in (
            (not_finite, "not_finite"),
            (measurements(points) - measurements(kept), "muted"),
        ):
            if count:
                delivery.dropped(count, reason)
        return kept

    async def _post(self, points: Sequence[DataPoint]) -> Verdict:
        target = self._target
        body = request_of(points, self._resource, is_cumulative=self._totals is not None)
        headers = _HEADERS | dict(target.headers)
        try:
            response = await self._poster.post(target.url, compress(body, 1), headers)
            verdict = classify(response, self._reactor.seconds())
        except RetryLater as later:
            reason = target.scrubbed(f"{target.shown}: {later.reason}")
            raise RetryLater(reason, later.after) from None
        rejection, count, message = verdict
        return Verdict(rejection and target.scrubbed(rejection), count, target.scrubbed(message))
