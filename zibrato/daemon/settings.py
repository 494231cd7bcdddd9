"""Converts parsed options to settings, and checks that they are safe together."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from twisted.python import usage

from zibrato.daemon import values
from zibrato.daemon.backend_choices import BackendChoice, Values, backend_choices, checked
from zibrato.endpoint import DEFAULT_SOCKET, Endpoint
from zibrato.interfaces import IBackendMaker, IBackendOptions
from zibrato.levels import LevelFilter, level_name
from zibrato.line_address import LineAddress


class Settings(NamedTuple):
    """The options, checked and converted; times are in seconds."""

    endpoints: tuple[Endpoint, ...]
    ipc_mode: int
    levels: LevelFilter
    flush_interval: float
    percentiles: tuple[float, ...]
    source: str
    max_series: int
    stop_timeout: float
    backends: tuple[BackendChoice, ...]
    statsd: tuple[LineAddress, ...] = ()
    statsd_level: str = "info"
    web: str | None = None
    web_credentials: Path | None = None
    curve_keys: Path | None = None
    insecure_tcp: bool = False
    otlp: str | None = None
    outbox: str | None = None
    acknowledges: bool = True
    acknowledgements: Endpoint | None = None


def settings_of(options: Values, environment: Mapping[str, str]) -> Settings:
    """Return the settings of parsed options; raises usage.UsageError."""
    backends = backend_choices(options, environment)
    credentials = options["web-credentials"]
    curve_keys, insecure_tcp = options["curve-keys"], bool(options["insecure-tcp"])
    endpoints = _endpoints(options["socket"], bool(curve_keys), insecure_tcp)
    return Settings(
        endpoints=endpoints,
        curve_keys=Path(curve_keys) if curve_keys else None,
        insecure_tcp=insecure_tcp,
        acknowledges=options["acknowledgements"] != "none",
        acknowledgements=_acknowledgements(
            options["acknowledgements"], endpoints, bool(curve_keys), insecure_tcp
        ),
        ipc_mode=checked("--ipc-mode", options["ipc-mode"], values.mode),
        levels=checked("--levels", options["levels"] or "", LevelFilter.parse),
        flush_interval=checked("--flush-interval", options["flush-interval"], values.seconds),
        percentiles=checked("--percentiles", options["percentiles"], values.percentiles),
        source=checked("--source", options["source"] or socket.gethostname(), values.source),
        max_series=checked("--max-series", options["max-series"], values.count),
        stop_timeout=checked("--stop-timeout", options["stop-timeout"], values.seconds),
        statsd=tuple(
            checked("--statsd", text, LineAddress.parse)
            for text in dict.fromkeys(options["statsd"])
        ),
        statsd_level=checked("--statsd-level", options["statsd-level"], level_name),
        backends=backends,
        web=_web(options["web"], [choice.maker for choice in backends]),
        web_credentials=Path(credentials) if credentials else None,
        otlp=None if options["otlp"] in {None, "", "none"} else options["otlp"],
        outbox=_outbox(options["outbox"]),
    )


def _acknowledgements(
    given: str | None, sockets: Sequence[Endpoint], has_keys: bool, insecure_tcp: bool
) -> Endpoint | None:
    """Return the endpoint that was given; raises usage.UsageError if anybody could connect.

    Also if no client would use it: sockets with keys and sockets without can't share an endpoint.
    """
    if given in {None, "none"}:
        return None
    endpoint = checked("--acknowledgements", given or "", Endpoint.parse)
    _check_keys("--acknowledgements", endpoint, has_keys or insecure_tcp)
    if has_keys and not any(socket.remote == endpoint.remote for socket in sockets):
        raise usage.UsageError(
            f"--acknowledgements: expected a --socket that asks for "
            f"{'keys' if endpoint.remote else 'no keys'}, as {endpoint.address} does, got none; "
            "give one, or another endpoint, or none"
        )
    return endpoint


def _check_keys(option: str, endpoint: Endpoint, is_safe: bool) -> None:
    if endpoint.remote and not is_safe:
        raise usage.UsageError(
            f"{option}: {endpoint.address} is beyond loopback, where anybody could send; give "
            "--curve-keys DIR, as zibrato keygen makes it, or --insecure-tcp"
        )


def _endpoints(given: Sequence[str], has_keys: bool, insecure_tcp: bool) -> tuple[Endpoint, ...]:
    """Return the endpoints to listen at; raises usage.UsageError if anybody could send."""
    endpoints = tuple(
        checked("--socket", text, Endpoint.parse)
        for text in dict.fromkeys(given or [DEFAULT_SOCKET])
    )
    if has_keys and insecure_tcp:
        raise usage.UsageError("--insecure-tcp: expected it without --curve-keys; leave one out")
    for endpoint in endpoints:
        _check_keys("--socket", endpoint, has_keys or insecure_tcp)
    return endpoints


def _web(description: str | None, makers: Sequence[IBackendMaker]) -> str | None:
    """Return the Twisted endpoint of a backend's page; None for no page."""
    if description is None:
        declared = (IBackendOptions(maker, None) for maker in makers)
        return next((maker.web for maker in declared if maker and maker.web), None)
    return None if description in {"", "none"} else description


def _outbox(text: str | None) -> str | None:
    """Return the outboxes' file, `none` for no file, or None for the default."""
    if text == "":
        raise usage.UsageError("--outbox: expected the name of a file, or none, got ''")
    return text
