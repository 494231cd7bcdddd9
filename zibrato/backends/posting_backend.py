"""What backends share that post to a URL of the operator's choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from zibrato.backends.bisection import Bisection
from zibrato.backends.http import HttpClient, Poster, RequestHeaders
from zibrato.backends.http_responses import Response
from zibrato.backends.http_target import HttpTarget
from zibrato.backends.posting import Item, measurements
from zibrato.backends.rejection_log import RejectionLog
from zibrato.backends.totals import Addition, Totals
from zibrato.interfaces import BackendContext, Delivery, RetryLater

__all__ = ["PostingBackend"]

T = TypeVar("T")
ItemT = TypeVar("ItemT", bound=Item)


@dataclass(frozen=True)
class _Work(Generic[ItemT]):
    """What is left to send of a delivery, and what it adds to the totals when all is sent."""

    remaining: Bisection[ItemT]
    addition: Addition | None


class PostingBackend(Generic[ItemT]):
    """Posts with `http`, which is or acts like a treq HTTPClient; `release` frees its resources.

    A subclass has a name and a default `url`, and defines what is to be sent and how a request is
    sent. If there are `totals`, the addition to them is committed when all is sent.
    """

    name: str
    url: str
    _log = Logger()

    def __init__(
        self,
        target: HttpTarget,
        context: BackendContext,
        http: HttpClient,
        release: Callable[[], Deferred[None]] = lambda: succeed(None),
        *,
        totals: Totals | None = None,
    ) -> None:
        self._target = target
        self._reactor = context.reactor
        self._poster = Poster(http, context.reactor)
        self.name = context.name or self.name
        self._rejections = RejectionLog(self.name, context.reactor)
        self._release = release
        self._totals = totals

    def deliver(self, delivery: Delivery) -> Deferred[None]:
        """Ship what is left of `delivery`; nothing that was accepted is sent twice."""
        return Deferred.fromCoroutine(self._deliver(delivery))

    def reload(self, settings: Mapping[str, str]) -> None:
        """Change url and headers; if they are invalid, log that and keep the old ones."""
        try:
            self._target = HttpTarget.parse(settings, self.url)
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
        while work.remaining.request:
            await self._send(delivery, work.remaining)
        if self._totals is not None and work.addition is not None:
            await self._totals.commit(work.addition, delivery.identities)

    async def _begin(self, delivery: Delivery) -> _Work[ItemT]:
        addition = None
        if self._totals is not None:
            addition = await self._totals.begin(delivery, self._reactor.seconds())
        return _Work(await self._remaining(delivery, addition), addition)

    async def _remaining(self, delivery: Delivery, addition: Addition | None) -> Bisection[ItemT]:
        """Return what is to be sent, after accounting for what isn't.

        With totals, this is about the snapshots of `addition`, otherwise about all that are
        delivered.
        """
        raise NotImplementedError

    async def _send(self, delivery: Delivery, remaining: Bisection[ItemT]) -> None:
        """Send a request, and account for the items that are decided by it; raises RetryLater."""
        raise NotImplementedError

    def _unmuted(
        self, delivery: Delivery, made: Sequence[ItemT], not_finite: int
    ) -> Sequence[ItemT]:
        """Return what is to be sent of the items in `made`, after accounting for what isn't."""
        kept = self._rejections.unmuted(made)
        for count, reason in (
            (not_finite, "not_finite"),
            (measurements(made) - measurements(kept), "muted"),
        ):
            if count:
                delivery.dropped(count, reason)
        return kept

    async def _post(
        self, body: bytes, headers: RequestHeaders, classify: Callable[[Response, float], T]
    ) -> tuple[T, HttpTarget]:
        """Return the result of `classify`, and the target that was used; raises RetryLater."""
        # A reload may change the target while this waits for the response, which may quote the
        # secrets of the old one.
        target = self._target
        own = RequestHeaders(target.headers.items())
        try:
            response = await self._poster.post(target.url, body, headers | own)
            return classify(response, self._reactor.seconds()), target
        except RetryLater as later:
            reason = target.scrubbed(f"{target.shown}: {later.reason}")
            raise RetryLater(reason, later.after) from None
