"""Ships with Prometheus remote write; settings: url, headers, proxy, histograms, totals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cramjam import snappy
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from zibrato.backends.bisection import Bisection, Outcome, Rejection
from zibrato.backends.http import HttpClient, RequestHeaders, client
from zibrato.backends.http_target import NAMES, HttpTarget
from zibrato.backends.posting import in_turns, measurements, note
from zibrato.backends.posting_backend import PostingBackend
from zibrato.backends.prometheus.translation import MERGED
from zibrato.backends.remote_write.items import Item, items
from zibrato.backends.remote_write.protobuf import write_request
from zibrato.backends.remote_write.responses import classify, is_late
from zibrato.backends.settings import check_names
from zibrato.backends.totals import Addition, Totals
from zibrato.backends.totals_place import totals_of
from zibrato.interfaces import BackendContext, Delivery, IBackend

__all__ = ["RemoteWriteBackend", "make"]

URL = "http://localhost:9090/api/v1/write"
MAX_ITEMS = 500
"""Items of a request; a timer's classic histogram is 28 of Prometheus's series."""
HISTOGRAMS = ("classic", "native")
_HEADERS: RequestHeaders = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}


def make(settings: Mapping[str, str], context: BackendContext) -> RemoteWriteBackend:
    """Return the backend of `settings`, with connections of its own."""
    check_names(settings, *NAMES, "histograms", "totals")
    histograms = settings.get("histograms", "classic")
    if histograms not in HISTOGRAMS:
        raise ValueError(f"histograms: expected classic or native, got {histograms!r}")
    target = HttpTarget.parse(settings, URL)
    totals = totals_of(settings, context, "remote_write")
    http, close = client(context.reactor, target.proxy)
    return RemoteWriteBackend(
        target, context, http, close, totals=totals, native=histograms == "native"
    )


@implementer(IBackend)
class RemoteWriteBackend(PostingBackend[Item]):
    """Posts with `http`, which is or acts like a treq HTTPClient; `release` frees its resources.

    Counters and timers are sent as running totals, which `totals` keeps. Timers are `native`
    histograms, or else classic ones.
    """

    name = "remote_write"
    url = URL

    def __init__(
        self,
        target: HttpTarget,
        context: BackendContext,
        http: HttpClient,
        release: Callable[[], Deferred[None]] = lambda: succeed(None),
        *,
        totals: Totals,
        native: bool = False,
    ) -> None:
        super().__init__(target, context, http, release, totals=totals)
        self._native = native

    async def _remaining(self, delivery: Delivery, addition: Addition | None) -> Bisection[Item]:
        assert addition is not None  # noqa: S101 - for mypy: there are always totals
        work = items(addition, native=self._native)
        made, not_finite, merged = await in_turns(work, self._reactor)
        self._rejections.log_once(MERGED, merged)
        kept = self._unmuted(delivery, made, not_finite)
        # The outbox counts this for its bound, since requests that wait to be retried take much of
        # its memory.
        delivery.requests_size = sum(len(item.content) for item in kept)
        return Bisection(kept, MAX_ITEMS)

    async def _send(self, delivery: Delivery, remaining: Bisection[Item]) -> None:
        rejection = await self._rejection(remaining.request)
        outcome = remaining.accepted() if rejection is None else remaining.rejected(rejection)
        note(delivery, self._without_late(delivery, outcome), self._rejections, rejection)

    def _without_late(self, delivery: Delivery, outcome: Outcome[Item]) -> Outcome[Item]:
        """Return an outcome without items that are rejected only for their time; they aren't muted.

        A late total arrives with the next one; a late gauge doesn't.
        """
        late: list[Rejection[Item]] = []
        others: list[Rejection[Item]] = []
        for rejected in outcome.rejected:
            (late if is_late(rejected.reason) else others).append(rejected)
        if late:
            count = measurements([rejected.item for rejected in late])
            delivery.dropped(count, "late")
            names = [rejected.item.name for rejected in late]
            self._rejections.rejected_some(names, late[0].reason, count)
        return Outcome(outcome.accepted, others, outcome.dropped)

    async def _rejection(self, request: Sequence[Item]) -> str | None:
        """Return why a request is rejected, or None if it is accepted."""
        # Remote write uses the block format of Snappy, not the one with frames.
        body = bytes(snappy.compress_raw(write_request(item.content for item in request)))
        rejection, target = await self._post(body, _HEADERS, classify)
        return rejection and target.scrubbed(rejection)
