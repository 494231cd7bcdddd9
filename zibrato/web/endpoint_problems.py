"""Private: find problems of HTTP endpoints for check-config, without listening at them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from twisted.python import usage

from zibrato.daemon.settings import Settings
from zibrato.interfaces import IBackend, Reactor
from zibrato.store.web.endpoint import check_page_reach, check_reach, server_endpoint
from zibrato.web import scraping
from zibrato.web.clashes import clashes
from zibrato.web.pages import web_backend

__all__ = ["endpoint_problems"]

_FOUND_LATER = {"systemd", "ssl", "tls"}
"""Kinds of endpoints that need systemd, or files that only the daemon may be able to read."""


def endpoint_problems(
    reactor: Reactor, settings: Settings, backends: Sequence[IBackend]
) -> Iterator[str]:
    """Generate a line for people for each problem, in the words of the daemon's start."""
    found = False
    for check in (_check_page, _check_scraped, _check_otlp):
        try:
            check(reactor, settings, backends)
        except (ValueError, usage.UsageError) as error:
            found = True
            yield str(error)
    if not found:  # an invalid endpoint has no port
        yield from clashes(settings, backends)


def _check_page(reactor: Reactor, settings: Settings, backends: Sequence[IBackend]) -> None:
    if settings.web is not None:
        web_backend(backends)
        _check_description(reactor, settings.web)
        check_page_reach(settings.web, has_credentials=settings.web_credentials is not None)


def _check_scraped(reactor: Reactor, settings: Settings, backends: Sequence[IBackend]) -> None:
    has_page = settings.web is not None
    for backend, endpoint in scraping.at_endpoints(backends, has_page=has_page):
        option = f"--backend {backend.name}: endpoint"
        _check_own(reactor, settings, endpoint, option, scraping.EXAMPLE)


def _check_otlp(reactor: Reactor, settings: Settings, _backends: Sequence[IBackend]) -> None:
    if settings.otlp is not None:
        from zibrato.web import otlp_site  # noqa: PLC0415 - imports Klein, which imports a reactor

        _check_own(reactor, settings, settings.otlp, "--otlp", otlp_site.EXAMPLE)
        otlp_site.check_package()


def _check_own(
    reactor: Reactor, settings: Settings, description: str, option: str, example: str
) -> None:
    _check_description(reactor, description, option, example)
    is_safe = settings.insecure_tcp or settings.web_credentials is not None
    check_reach(description, option, example, is_safe=is_safe)


def _check_description(reactor: Reactor, description: str, *words: str) -> None:
    if description.partition(":")[0] not in _FOUND_LATER:
        server_endpoint(reactor, description, *words)
