"""Makes the `BackendContext` that a daemon hands to its backends."""

from __future__ import annotations

from collections.abc import Mapping

from zibrato.daemon.outbox.place import outbox_path, state_beside
from zibrato.daemon.settings import Settings
from zibrato.interfaces import BackendContext, Counting, Reactor

__all__ = ["backend_context"]


def backend_context(
    reactor: Reactor, settings: Settings, environment: Mapping[str, str], count: Counting
) -> BackendContext:
    """Return the context. The outboxes' file is among its files, so no backend can take it."""
    outbox = outbox_path(settings, environment)
    return BackendContext(
        reactor, settings.percentiles, count=count,
        files=set() if outbox is None else {outbox.resolve()},
        sockets=[endpoint.address for endpoint in settings.endpoints],
        state=lambda name: state_beside(settings, environment, name),
    )  # fmt: skip
