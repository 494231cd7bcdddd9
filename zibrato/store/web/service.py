"""The store's web server: a Twisted endpoint, in bounds, with the API and the page behind it."""

from __future__ import annotations

from pathlib import Path

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource
from zope.interface import implementer

from zibrato.health import Health
from zibrato.interfaces import IWebService, Reactor
from zibrato.store.api.annotations import AnnotationsApi
from zibrato.store.api.measurements import MeasurementsApi
from zibrato.store.api.metrics import MetricsApi
from zibrato.store.api.responses import error_response, not_found
from zibrato.store.api.routing import Routed
from zibrato.store.api.sources import SourcesApi
from zibrato.store.options import WEB
from zibrato.store.store import Store
from zibrato.store.web import health
from zibrato.store.web.access_control import AccessControl, Credentials, known_names
from zibrato.store.web.data import DataApi
from zibrato.store.web.endpoint import is_local, server_endpoint, url_of
from zibrato.store.web.health import HealthResource
from zibrato.store.web.page import STATIC, Page, load_files
from zibrato.store.web.site import BoundedSite


@implementer(IWebService)
class WebService(Service):
    """Serves the store at an endpoint; listens from the start of the service to its stop.

    `description` is Twisted's of an endpoint. Raises ValueError where it is none, or no loopback
    address and there are no credentials.
    """

    _log = Logger()

    def __init__(
        self, reactor: Reactor, store: Store, description: str, credentials: Path | None
    ) -> None:
        self._reactor = reactor
        self._store = store
        self._description = description
        self._endpoint = server_endpoint(reactor, description)
        loopback = is_local(description)
        if credentials is None and not loopback:
            raise ValueError(
                f"--web: {description} can be reached from elsewhere: give --web-credentials FILE, "
                f"which holds user:password, or listen at {WEB}"
            )
        try:
            secret = None if credentials is None else Credentials(credentials)
        except ValueError as error:
            raise ValueError(f"--web-credentials: {error}") from None
        self._access = AccessControl(
            tree(store),
            known_names(loopback),
            secret,
            public={health.PATH: HealthResource(lambda: _health(store), details=False)},
        )
        self._site = BoundedSite(self._access, reactor)
        self._port: IListeningPort | None = None
        self.address = ""

    def startService(self) -> None:
        """Listen; raises OSError where that can't be, and the endpoint knows at once."""
        Service.startService(self)
        listening = self._endpoint.listen(self._site)
        listening.addCallback(self._listens)
        failure = getattr(listening, "result", None)
        if isinstance(failure, Failure):
            listening.addErrback(lambda _: None)
            raise OSError(self._why(failure))
        listening.addErrback(lambda late: self._log.error("{why}", why=self._why(late)))

    def stopService(self) -> Deferred[None]:
        """Listen no more, and end every connection."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self._close())

    def reload(self, credentials: Path | None) -> None:
        """Read the credentials anew; where they are no good, that is logged, and the old stay."""
        if credentials is None:
            return
        try:
            self._access.reload(Credentials(credentials))
        except ValueError as error:
            self._log.error("the page keeps its credentials: {why}", why=str(error))

    def _listens(self, port: IListeningPort) -> None:
        self._port = port
        self.address = url_of(port.getHost())
        self._log.info("the page is at {address}", address=self.address)
        Deferred.fromCoroutine(self._load())

    async def _load(self) -> None:
        try:
            await self._store.ready()
        except Exception:
            self._log.failure("what the store has could not be read")

    def _why(self, failure: Failure) -> str:
        return (
            f"--web: can't listen at {self._description}: "
            f"{failure.getErrorMessage().rstrip('.')}; give another endpoint, or none"
        )

    async def _close(self) -> None:
        if self._port is not None:
            port, self._port = self._port, None
            await maybeDeferred(port.stopListening)


def tree(store: Store) -> Resource:
    """Return all that is served."""
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
    return root


def _health(store: Store) -> Health | None:
    report = None if store.daemon is None else store.daemon.health
    return None if report is None else report()


class _Root(Resource):
    """Hands all that is not a child's to another resource, with its whole path."""

    def __init__(self, other: IResource) -> None:
        Resource.__init__(self)
        self._other = other

    def getChild(self, _path: bytes, request: IRequest) -> IResource:
        """Return the other resource, whose routes begin at the segment that was looked for here."""
        request.postpath.insert(0, request.prepath.pop())
        return self._other

    def render(self, request: IRequest) -> bytes | int:
        """Answer at this path itself, with no slash behind it."""
        content: bytes | int = self._other.render(request)
        return content


class _NotFound(Resource):
    """Answers that there is nothing, as the API does."""

    isLeaf = True

    def __init__(self) -> None:
        Resource.__init__(self)

    def render(self, request: IRequest) -> bytes:
        """Answer for any path."""
        return error_response(request, 404, not_found().errors)
