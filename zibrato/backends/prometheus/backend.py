"""Shows running totals at /metrics, for Prometheus to scrape; settings: endpoint, totals."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from weakref import WeakKeyDictionary

from twisted.internet.defer import Deferred, DeferredLock
from twisted.web.iweb import IRequest
from zope.interface import implementer

from zibrato.accept_headers import accepts_gzip
from zibrato.backends.posting import Effort, in_turns
from zibrato.backends.prometheus.exposition import Format, exposition, format_of
from zibrato.backends.prometheus.names import legal_name
from zibrato.backends.prometheus.page import Page
from zibrato.backends.prometheus.translation import MERGED, Translation
from zibrato.backends.rejection_log import RejectionLog
from zibrato.backends.settings import check_names
from zibrato.backends.totals import Addition, Totals
from zibrato.backends.totals_place import totals_of
from zibrato.interfaces import BackendContext, Delivery, IScrapedBackend, RetryLater
from zibrato.threads import Threads, Workers, finished

__all__ = ["PrometheusBackend", "make"]

MAX_HELD = 64 << 20
"""Bytes of compressed pages: of the newest ones, and of those that are still being read."""
MAX_PAGE = MAX_HELD // 2
"""Bytes of one compressed page, so that there is always room for the newest of both formats."""
_NAMES = ("endpoint", "totals")
_ARGUMENTS = (
    "interface", "port", "address", "backlog", "mode", "lockfile",
    "privateKey", "certKey", "extraCertChain", "dhParameters", "sslmethod",
)  # fmt: skip
"""The arguments of Twisted endpoints that listen."""
Descriptions = Callable[[], Deferred[Mapping[str, str]]]


def make(settings: Mapping[str, str], context: BackendContext) -> PrometheusBackend:
    """Return the backend of `settings`."""
    check_names(settings, *_NAMES, *(_ARGUMENTS if "endpoint" in settings else ()))
    totals = totals_of(settings, context, "prometheus")
    workers = Threads(context.reactor, "zibrato prometheus", 1)
    return PrometheusBackend(_endpoint(settings), context, totals, workers)


def _endpoint(settings: Mapping[str, str]) -> str | None:
    """Return a Twisted endpoint description, whose arguments look like settings of the backend."""
    if not settings.get("endpoint"):
        return None
    arguments = (f"{name}={text}" for name, text in settings.items() if name not in _NAMES)
    return ":".join([settings["endpoint"], *arguments])


@implementer(IScrapedBackend)
class PrometheusBackend:
    """Adds intervals to `totals`, and shows the totals after they are committed.

    They are shown at `endpoint`, a Twisted endpoint description, or on the daemon's page if that is
    None. `workers` do what takes long.
    """

    name = "prometheus"

    def __init__(
        self, endpoint: str | None, context: BackendContext, totals: Totals, workers: Workers
    ) -> None:
        self.endpoint = endpoint
        self._reactor = context.reactor
        self._totals = totals
        self._workers = workers
        self._log = RejectionLog(context.name or self.name, context.reactor)
        self._writing = DeferredLock()
        self._is_stopped = False
        self._commits = 0
        self._pages: dict[Format, tuple[int, Page]] = {}
        """The newest page of each format, and how many commits there were before it."""
        self._held: WeakKeyDictionary[Page, None] = WeakKeyDictionary()
        """The pages in memory, the oldest first."""

    def deliver(self, delivery: Delivery) -> Deferred[None]:
        """Add the snapshots that are new."""
        return Deferred.fromCoroutine(self._deliver(delivery))

    def answer(self, request: IRequest, descriptions: Descriptions) -> Deferred[Iterator[bytes]]:
        """Return the parts of a response, after setting its status and headers."""
        return Deferred.fromCoroutine(self._answer(request, descriptions))

    def reload(self, _settings: Mapping[str, str]) -> None:
        """Do nothing: the backend has no secret."""

    def stop(self) -> Deferred[None]:
        """Close the file of the totals."""
        self._is_stopped = True
        self._workers.stop()
        return Deferred.fromCoroutine(self._totals.stop())

    async def _deliver(self, delivery: Delivery) -> None:
        addition = delivery.requests
        if not isinstance(addition, Addition):
            addition = delivery.requests = await self._totals.begin(
                delivery, self._reactor.seconds()
            )
            translation = await in_turns(_added(addition), self._reactor)
            self._log.log_once(MERGED, translation.merged)
            if translation.not_finite:
                delivery.dropped(translation.not_finite, "not_finite")
        await self._totals.commit(addition, delivery.identities)
        self._commits += 1
        self._pages = {}
        delivery.delivered(delivery.pending)

    async def _answer(self, request: IRequest, descriptions: Descriptions) -> Iterator[bytes]:
        form = format_of(request.getHeader(b"accept"))
        is_compressed = accepts_gzip(request.getHeader(b"accept-encoding"))
        try:
            page = await self._page(form, descriptions)
        except RetryLater as later:
            request.setResponseCode(503)
            request.setHeader(b"Retry-After", b"1")
            request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
            return iter([later.reason.encode(errors="replace")])
        request.setHeader(b"Content-Type", form.value.encode())
        request.setHeader(b"Vary", b"Accept, Accept-Encoding")
        request.setHeader(b"Content-Length", b"%d" % (page.size if is_compressed else page.length))
        if is_compressed:
            request.setHeader(b"Content-Encoding", b"gzip")
        return page.compressed() if is_compressed else page.text()

    async def _page(self, form: Format, descriptions: Descriptions) -> Page:
        """Return a page with everything that was committed when it was requested.

        A page is written once for all who request it in the meantime. Raises RetryLater if it is
        too large.
        """
        await self._totals.load()
        asked = self._commits
        async with self._writing:
            known = self._pages.pop(form, None)
            if known is None or known[0] < asked:
                known = None  # release the old page before the next one is made
                known = self._commits, await self._written(form, await descriptions())
            self._pages[form] = known
            return known[1]

    async def _written(self, form: Format, described: Mapping[str, str]) -> Page:
        if self._is_stopped:  # nobody would end a thread that begins now
            raise RetryLater("the daemon stops")
        totals = [*self._totals]

        def write() -> Page:
            help_of = {legal_name(name): text for name, text in described.items()}
            return Page(exposition(totals, help_of, form), MAX_PAGE)

        page = await finished(self._workers.run(write))
        self._held[page] = None
        self._make_room()
        return page

    def _make_room(self) -> None:
        """Release the oldest pages, whose readers are the slowest, beyond MAX_HELD."""
        size = sum(page.size for page in self._held)
        for page in [*self._held]:
            if size <= MAX_HELD:
                return
            page.release()
            size -= page.size
            del self._held[page]


def _added(addition: Addition) -> Generator[None, None, Translation]:
    """Add the snapshots, yielding every few milliseconds of work; return their translation."""
    translation, effort = Translation(), Effort()
    for series, summary, start, end in translation.parts(addition.snapshots):
        addition.add(series, summary, start, end)
        if effort.is_due(series.kind):
            yield
    return translation
