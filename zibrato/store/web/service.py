"""The store's web server: a Twisted endpoint, in bounds, with the API and the page behind it."""

from __future__ import annotations

import ipaddress
import re
import socket
from contextlib import closing
from pathlib import Path

from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IAddress, IListeningPort
from twisted.logger import Logger
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource
from zope.interface import implementer

from zibrato.interfaces import IWebService, Reactor
from zibrato.store.api.annotations import AnnotationsApi
from zibrato.store.api.measurements import MeasurementsApi
from zibrato.store.api.metrics import MetricsApi
from zibrato.store.api.responses import error_response, not_found
from zibrato.store.api.routing import Routed
from zibrato.store.api.sources import SourcesApi
from zibrato.store.options import WEB
from zibrato.store.store import Store
from zibrato.store.web.access_control import AccessControl, Credentials, known_names
from zibrato.store.web.data import DataApi
from zibrato.store.web.page import STATIC, Page, load_files
from zibrato.store.web.site import BoundedSite


@implementer(IWebService)
class WebService(Service):
    """Serves the store at an endpoint; listens from the start of the service to its stop.

    `description` is Twisted's of an endpoint. Raises ValueError where it is no loopback address
    and there are no credentials.
    """

    _log = Logger()

    def __init__(
        self, reactor: Reactor, store: Store, description: str, credentials: Path | None
    ) -> None:
        self._reactor = reactor
        self._store = store
        self._endpoint = serverFromString(reactor, description)
        loopback = is_local(description)
        if credentials is None and not loopback:
            raise ValueError(
                f"{description} can be reached from elsewhere: give --web-credentials FILE, which "
                f"holds user:password, or listen at {WEB}"
            )
        secret = None if credentials is None else Credentials(credentials)
        self._access = AccessControl(tree(store), known_names(loopback), secret)
        self._site = BoundedSite(self._access, reactor)
        self._port: IListeningPort | None = None
        self.address = ""

    def startService(self) -> None:
        """Listen."""
        Service.startService(self)
        Deferred.fromCoroutine(self._listen())

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

    async def _listen(self) -> None:
        try:
            self._port = await self._endpoint.listen(self._site)
        except OSError as error:
            self._log.error("the page can't be had: {error}; give another --web", error=error)
            return
        host = self._port.getHost()
        self.address = url_of(host)
        self._log.info("the page is at {address}", address=self.address)
        try:
            await self._store.ready()
        except Exception:
            self._log.failure("what the store has could not be read")

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
    return root


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


def check_can_listen(description: str) -> None:
    """Raise OSError for a TCP endpoint that can't be listened at.

    The port is bound and closed again: what is wrong is said before daemonising, while the real
    port can't be opened until after it.
    """
    kind, port, interface = _parsed(description)
    if kind in {"tcp", "tcp6"} and port.isdecimal():
        address = interface or ("::" if kind == "tcp6" else "")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with closing(socket.socket(family)) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((address, int(port)))


def is_local(description: str) -> bool:
    """Whether only this host can reach a Twisted endpoint."""
    kind, _, interface = _parsed(description)
    if kind == "unix":
        return True
    if kind not in {"tcp", "tcp6", "ssl", "tls"}:
        return False
    try:
        return interface == "localhost" or ipaddress.ip_address(interface).is_loopback
    except ValueError:
        return False


def _parsed(description: str) -> tuple[str, str, str]:
    """Return kind, first argument and interface of an endpoint's description."""
    kind, *parts = (part.replace("\\", "") for part in re.split(r"(?<!\\):", description))
    named = dict(part.partition("=")[::2] for part in parts if "=" in part)
    first = named.get("port") or next(iter(parts), "")
    return kind, first, named.get("interface", "")


def url_of(host: IAddress) -> str:
    """Return the URL of an address that was bound, or what it is called where there is none."""
    if not isinstance(host, IPv4Address | IPv6Address):
        return str(host)
    name = host.host
    if name in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        name = "127.0.0.1"
    return f"http://[{name}]:{host.port}/" if ":" in name else f"http://{name}:{host.port}/"
