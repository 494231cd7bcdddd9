"""Makes the daemon from its options: for twistd, for .tac files, for any application's tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.python import usage

from zibrato.daemon.options import Options
from zibrato.daemon.outbox import Outbox
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.daemon.service import Daemon
from zibrato.daemon.settings import Settings
from zibrato.endpoint import Endpoint
from zibrato.intake.zeromq import check_is_free
from zibrato.interfaces import BackendContext

__all__ = ["Options", "makeService", "make_service"]


def make_service(options: Options) -> Daemon:
    """Return the daemon of parsed `options`, to be put into any application's service tree.

    Raises usage.UsageError for settings that a backend refuses and endpoints that can't be had.
    """
    from twisted.internet import reactor  # noqa: PLC0415 - here and nowhere else

    for endpoint in options.settings.endpoints:
        _check_endpoint(endpoint)
    metrics = SelfMetrics()
    outboxes = _outboxes(reactor, options.settings, metrics)
    daemon = Daemon(reactor, options, outboxes, metrics)
    if options.settings.web is not None:
        _add_web(daemon, reactor, options.settings, options.settings.web)
    return daemon


def makeService(options: Options) -> Daemon:
    """Return the daemon for twistd; what is wrong is one line on stderr and exit status 1."""
    try:
        return make_service(options)
    except usage.UsageError as error:
        raise SystemExit(f"zibrato: {error}") from None


def _check_endpoint(endpoint: Endpoint) -> None:
    try:
        check_is_free(endpoint)
    except BlockingIOError:
        raise usage.UsageError(
            f"--socket: another daemon has {endpoint.address}; stop it, or give another path"
        ) from None
    except OSError as error:
        raise usage.UsageError(
            f"--socket: can't have {endpoint.address}: {error.strerror}; "
            "is another program there, or the directory missing?"
        ) from None


def _outboxes(reactor: Any, settings: Settings, metrics: SelfMetrics) -> Sequence[Outbox]:
    context = BackendContext(reactor, settings.percentiles)
    outboxes = []
    for maker, chosen, levels in settings.backends:
        try:
            backend = maker.make(chosen, context)
        except ValueError as error:
            raise usage.UsageError(f"--backend {maker.name}: {error}") from None
        outboxes.append(Outbox(backend, reactor, metrics, levels=levels))
    return outboxes


def _add_web(daemon: Daemon, reactor: Any, settings: Settings, description: str) -> None:
    """Add the page and API of the store; raises usage.UsageError where they can't be had."""
    from zibrato.store.web import service as web  # noqa: PLC0415 - klein imports the reactor

    store: Any
    (store,) = (each.backend for each in daemon.outboxes if each.backend.name == "store")
    store.live.interval = settings.flush_interval
    try:
        web.check_can_listen(description)
        service: Any = web.WebService(reactor, store, description, settings.web_credentials)
    except ValueError as error:
        raise usage.UsageError(f"--web: {error}") from None
    except OSError as error:
        raise usage.UsageError(
            f"--web: can't listen at {description}: {error.strerror}; "
            "give another endpoint, or none"
        ) from None
    service.setServiceParent(daemon)
