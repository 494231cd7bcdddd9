"""The store's web server: the API and the page at a Twisted endpoint, behind access control."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource

from zibrato.health import Health
from zibrato.interfaces import Reactor
from zibrato.store.api.annotations import AnnotationsApi
from zibrato.store.api.measurements import MeasurementsApi
from zibrato.store.api.metrics import MetricsApi
from zibrato.store.api.responses import error_response, not_found
from zibrato.store.api.routing import Routed
from zibrato.store.api.sources import SourcesApi
from zibrato.store.store import Store
from zibrato.store.web import health
from zibrato.store.web.access_control import AccessControl, known_names, read_credentials
from zibrato.store.web.data import DataApi
from zibrato.store.web.endpoint import check_page_reach, is_local, server_endpoint
from zibrato.store.web.health import HealthResource
from zibrato.store.web.listener import Listener
from zibrato.store.web.metrics import MetricsResource
from zibrato.store.web.page import STATIC, Page, load_files


class WebService(Listener):
    """Serves the store at an endpoint, while the service runs.

    `description` is a Twisted endpoint description. Raises ValueError if it is invalid, or if it
    isn't a loopback address and there are no credentials.
    """

    _log = Logger()

    def __init__(
        self, reactor: Reactor, store: Store, description: str, credentials: Path | None
    ) -> None:
        endpoint = server_endpoint(reactor, description)
        check_page_reach(description, has_credentials=credentials is not None)
        self._store = store
        self._reactor = reactor
        access = AccessControl(
            tree(store),
            known_names(is_local(description)),
            read_credentials(credentials),
            public={health.PATH: HealthResource(lambda: _health(store), details=False)},
        )
        super().__init__(
            reactor, "--web", description, endpoint, access,
            advice="give another endpoint, or none",
        )  # fmt: skip

    def listens(self) -> None:
        """Log where the page is, and load what it shows, once the reactor runs."""
        self._log.info("the page is at {address}", address=self.address)
        # Not earlier: if another part of the daemon failed to start, the loading thread would keep
        # the process from exiting, and only the reactor could stop the thread.
        self._reactor.callWhenRunning(lambda: Deferred.fromCoroutine(self._load()))

    async def _load(self) -> None:
        try:
            await self._store.ready()
        except Exception:
            self._log.failure("the series of the store could not be read")


def tree(store: Store) -> Resource:
    """Return the root of everything that is served."""
    api = _Root(_NotFound())
    clock = store.database.clock
    for name, routes in (
        (b"metrics", MetricsApi(store)),
        (b"measurements", MeasurementsApi(store)),
        (b"annotations", AnnotationsApi(store)),
        (b"sources", SourcesApi(store)),
    ):
        api.putChild(name, Routed(routes.app, clock))
    root = _Root(Page(store, load_files(STATIC)).app.resource())
    root.putChild(b"v1", api)
    root.putChild(b"data", DataApi(store).app.resource())
    root.putChild(b"health", HealthResource(lambda: _health(store), details=True))
    if store.daemon is not None and store.daemon.metrics is not None:
        root.putChild(b"metrics", MetricsResource(store.daemon.metrics))
    return root


def _health(store: Store) -> Health | None:
    report = None if store.daemon is None else store.daemon.health
    return None if report is None else report()


class _Root(Resource):
    """Passes requests on to another resource, with the whole path, except for its children."""

    def __init__(self, other: IResource) -> None:
        Resource.__init__(self)
        self._other = other

    def getChild(self, _path: bytes, request: IRequest) -> IResource:
        """Return the other resource, and restore the path segment that was consumed to get here."""
        request.postpath.insert(0, request.prepath.pop())
        return self._other

    def render(self, request: IRequest) -> bytes | int:
        """Answer a request for this path itself, without a slash at the end."""
        content: bytes | int = self._other.render(request)
        return content


class _NotFound(Resource):
    """Answers that there is no such path, in the API's format."""

    isLeaf = True

    def __init__(self) -> None:
        Resource.__init__(self)

    def render(self, request: IRequest) -> bytes:
        """Answer for any path."""
        return error_response(request, 404, not_found().errors)
