"""What backends have in common that post to a URL of the operator's choice."""

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
    """What is left to send of a delivery, and what it adds to the totals once that is sent."""

    remaining: Bisection[ItemT]
    addition: Addition | None


class PostingBackend(Generic[ItemT]):
    """Posts with `http`, a treq HTTPClient or its like; `release` frees what that holds.

    A subclass is named, knows its `url` where settings have none, and says what is to be sent, and
    how one request is. What that adds to the `totals`, if there are any, holds once all is sent.
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
        """Take over url and headers; what is no good is logged, and the old ones stay."""
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
        """Return what is to be sent, having accounted for what is not.

        Of the snapshots of `addition`, where there are totals, else of all that are delivered.
        """
        raise NotImplementedError

    async def _send(self, delivery: Delivery, remaining: Bisection[ItemT]) -> None:
        """Send a request, and account for what that brought to an end; raises RetryLater."""
        raise NotImplementedError

    def _unmuted(
        self, delivery: Delivery, made: Sequence[ItemT], not_finite: int
    ) -> Sequence[ItemT]:
        """Return what is to be sent of what was made, having accounted for what is not."""
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
        """Return what an answer means, and whose secrets it may quote; raises RetryLater."""
        # A reload may change it while the answer is awaited, which may quote the secrets of this
        # one.
        target = self._target
        own = RequestHeaders(target.headers.items())
        try:
            response = await self._poster.post(target.url, body, headers | own)
            return classify(response, self._reactor.seconds()), target
        except RetryLater as later:
            reason = target.scrubbed(f"{target.shown}: {later.reason}")
            raise RetryLater(reason, later.after) from None
