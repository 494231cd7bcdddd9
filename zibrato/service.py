"""Makes the daemon from its options: for twistd, for .tac files, for any application's tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.python import usage

from .daemon import Daemon
from .intake.zeromq import Endpoint, check
from .interfaces import BackendContext
from .options import Options
from .outbox import Outbox
from .settings import Settings
from .vitals import Vitals

__all__ = ["Options", "makeService", "make_service"]


def make_service(options: Options) -> Daemon:
    """Return the daemon of parsed `options`, to be put into any application's service tree.

    Raises usage.UsageError for settings that a backend refuses and endpoints that can't be had.
    """
    from twisted.internet import reactor  # noqa: PLC0415 - here and nowhere else

    for endpoint in options.settings.endpoints:
        _check_endpoint(endpoint)
    vitals = Vitals()
    return Daemon(reactor, options, _outboxes(reactor, options.settings, vitals), vitals)


def makeService(options: Options) -> Daemon:
    """Return the daemon for twistd; what is wrong is one line on stderr and exit status 1."""
    try:
        return make_service(options)
    except usage.UsageError as error:
        raise SystemExit(f"zibrato: {error}") from None


def _check_endpoint(endpoint: Endpoint) -> None:
    try:
        check(endpoint)
    except OSError as error:
        raise usage.UsageError(
            f"--socket: can't have {endpoint.address}: {error}; "
            "is another daemon running, or the directory missing?"
        ) from None


def _outboxes(reactor: Any, settings: Settings, vitals: Vitals) -> Sequence[Outbox]:
    context = BackendContext(reactor, settings.percentiles)
    outboxes = []
    for maker, chosen, levels in settings.backends:
        try:
            backend = maker.make(chosen, context)
        except ValueError as error:
            raise usage.UsageError(f"--backend {maker.name}: {error}") from None
        outboxes.append(Outbox(backend, reactor, vitals, levels=levels))
    return outboxes
