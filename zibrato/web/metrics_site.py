"""Private: separate endpoints at which backends are scraped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from twisted.logger import Logger

from zibrato.interfaces import IBackend, IWebService, Reactor
from zibrato.store.web.access_control import AccessControl, known_names, read_credentials
from zibrato.store.web.endpoint import is_local, own_endpoint
from zibrato.store.web.listener import Listener
from zibrato.store.web.metrics import MetricsResource
from zibrato.web.scraping import EXAMPLE, Answer, answer_of, at_endpoints

__all__ = ["MetricsService", "own_services"]

ADVICE = "give another"


def own_services(
    reactor: Reactor,
    backends: Sequence[IBackend],
    credentials: Path | None,
    *,
    anybody: bool,
    has_page: bool,
) -> Sequence[IWebService]:
    """Return the services of backends that have endpoints of their own.

    Beyond loopback, `anybody` may scrape them, or else only clients with the credentials. Raises
    ValueError, one line for people, also if backends without an endpoint need a page and there is
    none, or if several of them need it.
    """
    return [
        _own_service(
            reactor, answer_of(backend, backends), f"--backend {backend.name}: endpoint",
            endpoint, credentials, anybody=anybody,
        )
        for backend, endpoint in at_endpoints(backends, has_page=has_page)
    ]  # fmt: skip


def _own_service(
    reactor: Reactor,
    answer: Answer,
    option: str,
    description: str,
    credentials: Path | None,
    *,
    anybody: bool,
) -> IWebService:
    endpoint = own_endpoint(
        reactor, description, option, EXAMPLE,
        is_safe=anybody or credentials is not None, advice=ADVICE,
    )  # fmt: skip
    # Beyond loopback, clients may use any name that the host has.
    names = known_names(loopback=True) if is_local(description) else None
    access = AccessControl(MetricsResource(answer), names, read_credentials(credentials))
    return MetricsService(reactor, option, description, endpoint, access, advice=ADVICE)


class MetricsService(Listener):
    """Serves /metrics at a backend's own endpoint."""

    served = "/metrics"
    _log = Logger()

    def listens(self) -> None:
        """Log the URL of /metrics."""
        address = self.address.rstrip("/")
        self._log.info("metrics are at {address}/metrics", address=address)
