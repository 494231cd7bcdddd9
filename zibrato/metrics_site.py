"""Private: endpoints of their own, at which backends are scraped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from twisted.internet.interfaces import IProtocolFactory, IStreamServerEndpoint
from twisted.logger import Logger
from zope.interface import implementer

from zibrato.interfaces import IBackend, IWebService, Reactor
from zibrato.scraping import Answer, answer_of, scraped
from zibrato.store.web.access_control import AccessControl, Credentials, known_names
from zibrato.store.web.endpoint import check_can_listen, is_local, server_endpoint
from zibrato.store.web.listener import Listener
from zibrato.store.web.metrics import MetricsResource
from zibrato.store.web.site import BoundedSite

__all__ = ["MetricsService", "own_services"]

EXAMPLE = "tcp:9464:interface=127.0.0.1"


def own_services(
    reactor: Reactor,
    backends: Sequence[IBackend],
    credentials: Path | None,
    *,
    anybody: bool,
    has_page: bool,
) -> Sequence[IWebService]:
    """Return the services of backends that have endpoints of their own.

    Beyond loopback `anybody` may ask there, or who has the credentials. Raises ValueError, one line
    for people, also for those that need a page, or each other's, and have none.
    """
    services: list[IWebService] = []
    without = 0
    for backend in scraped(backends):
        if backend.endpoint is None:
            without += 1
            if not has_page or without > 1:
                raise ValueError(
                    f"--backend {backend.name}: expected a page to have /metrics at, and one such "
                    f"backend; give it an endpoint, {backend.name}:endpoint={EXAMPLE}"
                )
            continue
        answer = answer_of(backend, backends)
        name = f"--backend {backend.name}: endpoint"
        services.append(
            _own_service(reactor, answer, name, backend.endpoint, credentials, anybody=anybody)
        )
    return services


def _own_service(
    reactor: Reactor,
    answer: Answer,
    option: str,
    description: str,
    credentials: Path | None,
    *,
    anybody: bool,
) -> IWebService:
    endpoint = server_endpoint(reactor, description, option, EXAMPLE)
    loopback = is_local(description)
    if credentials is None and not (anybody or loopback):
        raise ValueError(
            f"{option}: {description} can be reached from elsewhere: give --web-credentials FILE, "
            f"which holds user:password, or --insecure-tcp, or listen at {EXAMPLE}"
        )
    try:
        check_can_listen(description)
    except OSError as error:
        raise ValueError(
            f"{option}: can't listen at {description}: {error.strerror or error}; give another"
        ) from None
    try:
        secret = None if credentials is None else Credentials(credentials)
    except ValueError as error:
        raise ValueError(f"--web-credentials: {error}") from None
    # Beyond loopback it is asked for by whatever name people gave the host.
    names = known_names(loopback) if loopback else None
    access = AccessControl(MetricsResource(answer), names, secret)
    return MetricsService(option, description, endpoint, BoundedSite(access, reactor), access)


@implementer(IWebService)
class MetricsService(Listener):
    """Serves /metrics at an endpoint of a backend's own."""

    _log = Logger()

    def __init__(
        self,
        option: str,
        description: str,
        endpoint: IStreamServerEndpoint,
        site: IProtocolFactory,
        access: AccessControl,
    ) -> None:
        super().__init__(option, description, endpoint, site, "give another")
        self._access = access

    def listens(self) -> None:
        """Say where."""
        address = self.address.rstrip("/")
        self._log.info("metrics are at {address}/metrics", address=address)

    def reload(self, credentials: Path | None) -> None:
        """Read the credentials anew; where they are no good, that is logged, and the old stay."""
        if credentials is None:
            return
        try:
            self._access.reload(Credentials(credentials))
        except ValueError as error:
            self._log.error("/metrics keeps its credentials: {why}", why=str(error))
