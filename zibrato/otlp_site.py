"""Private: the OTLP intake's own endpoint, served in the same bounds as a store's page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from twisted.internet.interfaces import IProtocolFactory, IStreamServerEndpoint
from twisted.logger import Logger
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource
from zope.interface import implementer

from zibrato.health import Health
from zibrato.intake.otlp.encoding import MISSING, is_installed
from zibrato.intake.otlp.exports import Exports
from zibrato.intake.otlp.resource import ExportResource
from zibrato.interfaces import IWebService, Reactor
from zibrato.store.web.access_control import AccessControl, Credentials
from zibrato.store.web.endpoint import check_can_listen, is_local, server_endpoint
from zibrato.store.web.health import PATH, HealthResource
from zibrato.store.web.listener import Listener
from zibrato.store.web.site import BoundedSite

__all__ = ["OtlpService", "otlp_service"]

EXAMPLE = "tcp:4318:interface=127.0.0.1"
ADVICE = "give another endpoint"


def otlp_service(
    reactor: Reactor,
    exports: Exports,
    health: Callable[[], Health],
    description: str,
    credentials: Path | None,
    *,
    anybody: bool,
) -> OtlpService:
    """Return the service of an endpoint of its own.

    Beyond loopback `anybody` may post there, or who has the credentials. Raises ValueError, one
    line for people.
    """
    endpoint = server_endpoint(reactor, description, "--otlp", EXAMPLE)
    if credentials is None and not (anybody or is_local(description)):
        raise ValueError(
            f"--otlp: {description} can be reached from elsewhere: give --web-credentials FILE, "
            f"which holds user:password, or --insecure-tcp, or listen at {EXAMPLE}"
        )
    try:
        check_can_listen(description)
    except OSError as error:
        raise ValueError(
            f"--otlp: can't listen at {description}: {error.strerror or error}; {ADVICE}"
        ) from None
    try:
        secret = None if credentials is None else Credentials(credentials)
    except ValueError as error:
        raise ValueError(f"--web-credentials: {error}") from None
    if not is_installed():
        raise ValueError(f"--otlp: {MISSING}")
    root = _Root(ExportResource(exports.answer))
    root.putChild(b"health", HealthResource(health, details=bool(secret) or is_local(description)))
    public = {PATH: HealthResource(health, details=False)}
    access = AccessControl(root, None, secret, public=public)
    return OtlpService(description, endpoint, BoundedSite(access, reactor), access)


@implementer(IWebService)
class OtlpService(Listener):
    """Serves OTLP's requests at an endpoint of their own."""

    _log = Logger()

    def __init__(
        self,
        description: str,
        endpoint: IStreamServerEndpoint,
        site: IProtocolFactory,
        access: AccessControl,
    ) -> None:
        super().__init__("--otlp", description, endpoint, site, ADVICE)
        self.site = site
        self._access = access

    def listens(self) -> None:
        """Say where to export to."""
        path = "v1/metrics" if self.address.endswith("/") else ""
        self._log.info("OTLP's metrics are taken at {address}", address=self.address + path)

    def reload(self, credentials: Path | None) -> None:
        """Read the credentials anew; where they are no good, that is logged, and the old stay."""
        if credentials is None:
            return
        try:
            self._access.reload(Credentials(credentials))
        except ValueError as error:
            self._log.error("OTLP's intake keeps its credentials: {why}", why=str(error))


class _Root(Resource):
    """Hands all that is not a child's to another resource."""

    def __init__(self, other: Resource) -> None:
        Resource.__init__(self)
        self._other = other

    def getChild(self, _path: bytes, _request: IRequest) -> Resource:
        """Return the other resource."""
        return self._other
