"""Ships with OTLP over HTTP; settings: url, headers, proxy, temporality, resource, totals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from gzip import compress

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from zibrato.backends.bisection import Bisection
from zibrato.backends.http import HttpClient, RequestHeaders, client
from zibrato.backends.http_target import NAMES, HttpTarget
from zibrato.backends.otlp.data_points import DataPoint, data_points, request_of
from zibrato.backends.otlp.responses import classify
from zibrato.backends.posting import Verdict, in_turns, note, rejected_share
from zibrato.backends.posting_backend import PostingBackend
from zibrato.backends.settings import check_names
from zibrato.backends.totals import Addition, Totals
from zibrato.backends.totals_place import totals_of
from zibrato.interfaces import BackendContext, Delivery, IBackend

__all__ = ["OtlpBackend", "make"]

URL = "http://localhost:4318/v1/metrics"
MAX_POINTS = 1000
"""The most data points in a request."""
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
        raise ValueError("totals: expected only with temporality=cumulative; leave it out")
    totals = totals_of(settings, context, "otlp") if temporality == "cumulative" else None
    http, close = client(context.reactor, target.proxy)
    return OtlpBackend(target, context, http, close, totals=totals, resource=resource)


def _resource(text: str) -> Mapping[str, str]:
    attributes = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.partition("=")
        if not (name and equals and value):
            raise ValueError(
                f"resource: expected NAME=VALUE, with commas between several, got {part!r}"
            )
        attributes[name] = value
    return attributes


@implementer(IBackend)
class OtlpBackend(PostingBackend[DataPoint]):
    """Posts with `http`, which is or acts like a treq HTTPClient; `release` frees its resources.

    With `totals`, sums and histograms are cumulative; otherwise they are deltas.
    """

    name = "otlp"
    url = URL

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
        super().__init__(target, context, http, release, totals=totals)
        self._resource = resource or {}

    async def _remaining(
        self, delivery: Delivery, addition: Addition | None
    ) -> Bisection[DataPoint]:
        snapshots = delivery.snapshots if addition is None else addition.snapshots
        points, not_finite = await in_turns(data_points(snapshots, addition), self._reactor)
        return Bisection(self._unmuted(delivery, points, not_finite), MAX_POINTS)

    async def _send(self, delivery: Delivery, remaining: Bisection[DataPoint]) -> None:
        points = remaining.request
        verdict = await self._verdict(points)
        rejection = verdict.rejection
        outcome = remaining.accepted() if rejection is None else remaining.rejected(rejection)
        lost = rejected_share(points, verdict, "data points", self._rejections)
        note(delivery, outcome, self._rejections, rejection, lost=lost)

    async def _verdict(self, points: Sequence[DataPoint]) -> Verdict:
        body = request_of(points, self._resource, is_cumulative=self._totals is not None)
        verdict, target = await self._post(compress(body, 1), _HEADERS, classify)
        rejection, count, message = verdict
        return Verdict(rejection and target.scrubbed(rejection), count, target.scrubbed(message))
