"""Private: what a daemon serves over HTTP: a backend's page, and backends that are scraped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from twisted.python import usage

from zibrato.daemon.backend_choices import makers_with_options
from zibrato.daemon.settings import Settings
from zibrato.files.secret_file import read_credentials
from zibrato.interfaces import DaemonInfo, IBackend, IWebBackend, IWebService, Reactor
from zibrato.web.scraping import answer_of, scraped

__all__ = ["pages", "web_backend"]


def pages(
    reactor: Reactor, settings: Settings, backends: Sequence[IBackend], daemon: DaemonInfo
) -> Sequence[IWebService]:
    """Return the services that listen; raises usage.UsageError if one of them can't be made."""
    services = []
    if settings.web is None:
        _check_credentials(settings)
    else:
        at_page = next((one for one in scraped(backends) if one.endpoint is None), None)
        if at_page is not None:
            daemon = replace(daemon, metrics=answer_of(at_page, backends))
        services.append(_web_service(reactor, settings, backends, daemon))
    return [*services, *_metrics_services(reactor, settings, backends)]


def _web_service(
    reactor: Reactor, settings: Settings, backends: Sequence[IBackend], daemon: DaemonInfo
) -> IWebService:
    """Return the service of the backend's page; raises usage.UsageError if it can't be made."""
    description = settings.web or ""
    backend = web_backend(backends)
    try:
        return backend.web_service(reactor, description, settings.web_credentials, daemon)
    except ValueError as error:
        raise usage.UsageError(str(error)) from None
    except OSError as error:
        raise usage.UsageError(
            f"--web: can't listen at {description}: {error.strerror or error}; "
            "give another endpoint, or none"
        ) from None


def _metrics_services(
    reactor: Reactor, settings: Settings, backends: Sequence[IBackend]
) -> Sequence[IWebService]:
    """Return the services of backends that are scraped at endpoints of their own.

    The module is imported only here, because it imports Klein, which imports the global reactor.
    """
    if not scraped(backends):
        return []
    from zibrato.web.metrics_site import own_services  # noqa: PLC0415 - only where one is scraped

    try:
        return own_services(
            reactor, backends, settings.web_credentials,
            anybody=settings.insecure_tcp, has_page=settings.web is not None,
        )  # fmt: skip
    except ValueError as error:
        raise usage.UsageError(str(error)) from None


def _check_credentials(settings: Settings) -> None:
    """Raise usage.UsageError for an invalid credentials file, although no page reads it."""
    if settings.web_credentials is not None:
        try:
            read_credentials(settings.web_credentials)
        except ValueError as error:
            raise usage.UsageError(f"--web-credentials: {error}") from None


def web_backend(backends: Sequence[IBackend]) -> IWebBackend:
    """Return the only backend with a page; raises usage.UsageError unless there is exactly one."""
    adapted = (IWebBackend(backend, None) for backend in backends)
    having = [backend for backend in adapted if backend is not None]
    if not having:
        names = " or ".join(maker.name for maker in makers_with_options() if maker.web)
        raise usage.UsageError(f"--web: no backend here has a page; add --backend {names}")
    if len(having) > 1:
        raise usage.UsageError(
            f"--web: {len(having)} backends here have a page; give --web none, or one of them"
        )
    return having[0]
