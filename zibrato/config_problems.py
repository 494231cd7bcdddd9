"""Private: find what a daemon could not start with; nothing is written, opened or sent for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from zibrato.curve import server_keys
from zibrato.daemon.backend_context import backend_context
from zibrato.daemon.outbox.place import outbox_path
from zibrato.daemon.settings import Settings
from zibrato.files.file_lock import check_kind
from zibrato.files.secret_file import read_credentials
from zibrato.interfaces import IBackend, ICheckingMaker, Reactor
from zibrato.web.endpoint_problems import endpoint_problems

__all__ = ["config_problems"]


def config_problems(
    reactor: Reactor, settings: Settings, environment: Mapping[str, str]
) -> Iterator[str]:
    """Generate a line for people for each problem of the settings, which names the option.

    A daemon may be running with them. What depends on the host at that moment isn't checked.
    """
    context = backend_context(reactor, settings, environment, lambda *_value, **_tags: None)
    backends: list[IBackend] = []
    for choice in settings.backends:
        try:
            # A maker of another package can't check; its errors are reported when the daemon
            # starts.
            maker = ICheckingMaker(choice.maker, None)
            if maker is not None:
                backends.append(maker.check(choice.settings, replace(context, name=choice.name)))
        except ValueError as error:
            yield f"--backend {choice.label}: {error}"
    # Otherwise a page may seem to be missing only because its backend couldn't be made.
    if len(backends) == len(settings.backends):
        yield from endpoint_problems(reactor, settings, backends)
    outbox = outbox_path(settings, environment)
    for name, path, reads in (
        ("--outbox", outbox if settings.outbox else None, check_kind),
        ("--curve-keys", settings.curve_keys, server_keys),
        ("--web-credentials", settings.web_credentials, read_credentials),
    ):
        try:
            if path is not None:
                reads(path)
        except ValueError as error:
            yield f"{name}: {error}"
