"""Private: the OTLP intake's own endpoint, which has the same bounds as a store's page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from twisted.logger import Logger
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource

from zibrato.health import Health
from zibrato.intake.otlp.encoding import MISSING, is_installed
from zibrato.intake.otlp.exports import Exports
from zibrato.intake.otlp.resource import ExportResource
from zibrato.interfaces import Reactor
from zibrato.store.web.access_control import AccessControl, read_credentials
from zibrato.store.web.endpoint import is_local, own_endpoint
from zibrato.store.web.health import PATH, HealthResource
from zibrato.store.web.listener import Listener

__all__ = ["EXAMPLE", "OtlpService", "check_package", "otlp_service"]

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
    """Return the service of the OTLP intake's endpoint.

    Beyond loopback, `anybody` may post, or else only clients with the credentials. Raises
    ValueError, one line for people.
    """
    endpoint = own_endpoint(
        reactor, description, "--otlp", EXAMPLE,
        is_safe=anybody or credentials is not None, advice=ADVICE,
    )  # fmt: skip
    secret = read_credentials(credentials)
    check_package()
    root = _Root(ExportResource(exports.answer))
    root.putChild(b"health", HealthResource(health, details=bool(secret) or is_local(description)))
    public = {PATH: HealthResource(health, details=False)}
    access = AccessControl(root, None, secret, public=public)
    return OtlpService(reactor, "--otlp", description, endpoint, access, advice=ADVICE)


def check_package() -> None:
    """Raise ValueError, one line for people, if the package that parses requests is missing."""
    if not is_installed():
        raise ValueError(f"--otlp: {MISSING}")


class OtlpService(Listener):
    """Serves OTLP requests at an endpoint of their own."""

    served = "OTLP's intake"
    _log = Logger()

    def listens(self) -> None:
        """Log the URL to export to."""
        path = "v1/metrics" if self.address.endswith("/") else ""
        self._log.info("OTLP metrics are received at {address}", address=self.address + path)


class _Root(Resource):
    """Passes requests for everything but its children on to another resource."""

    def __init__(self, other: Resource) -> None:
        Resource.__init__(self)
        self._other = other

    def getChild(self, _path: bytes, _request: IRequest) -> Resource:
        """Return the other resource."""
        return self._other
