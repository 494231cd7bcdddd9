"""Private: the OTLP intake's own endpoint, served in the same bounds as a store's page."""

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
from zibrato.intake.otlp.service import Listening, why_not
from zibrato.interfaces import Reactor
from zibrato.store.web.access_control import AccessControl, Credentials
from zibrato.store.web.endpoint import check_can_listen, is_local, server_endpoint
from zibrato.store.web.health import PATH, HealthResource
from zibrato.store.web.site import BoundedSite

__all__ = ["listening"]

EXAMPLE = "tcp:4318:interface=127.0.0.1"
_log = Logger()


def listening(
    reactor: Reactor,
    exports: Exports,
    health: Callable[[], Health],
    description: str,
    credentials: Path | None,
    *,
    anybody: bool,
) -> Listening:
    """Return what is to be listened at, and what serves there.

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
        raise ValueError(why_not(description, error.strerror or error)) from None
    secret = _credentials(credentials)
    if not is_installed():
        raise ValueError(f"--otlp: {MISSING}")
    root = _Root(ExportResource(exports.answer))
    root.putChild(b"health", HealthResource(health, details=bool(secret) or is_local(description)))
    public = {PATH: HealthResource(health, details=False)}
    access = AccessControl(root, None, secret, public=public)
    return Listening(
        description, endpoint, BoundedSite(access, reactor), lambda: _reload(access, credentials)
    )


class _Root(Resource):
    """Hands all that is not a child's to another resource."""

    def __init__(self, other: Resource) -> None:
        Resource.__init__(self)
        self._other = other

    def getChild(self, _path: bytes, _request: IRequest) -> Resource:
        """Return the other resource."""
        return self._other


def _credentials(path: Path | None) -> Credentials | None:
    try:
        return None if path is None else Credentials(path)
    except ValueError as error:
        raise ValueError(f"--web-credentials: {error}") from None


def _reload(access: AccessControl, path: Path | None) -> None:
    """Read the credentials anew; where they are no good, that is logged, and the old stay."""
    try:
        secret = _credentials(path)
    except ValueError as error:
        _log.error("OTLP's intake keeps its credentials: {why}", why=str(error))
        return
    if secret is not None:
        access.reload(secret)
