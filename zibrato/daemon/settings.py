"""The options checked and converted, and where secrets come from."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from twisted.plugin import getPlugins
from twisted.python import usage

from zibrato.daemon import values
from zibrato.daemon.series_filter import NAMES, SeriesFilter
from zibrato.endpoint import DEFAULT_SOCKET, Endpoint
from zibrato.interfaces import IBackendMaker, IBackendOptions
from zibrato.levels import LevelFilter, level_name
from zibrato.line_address import LineAddress
from zibrato.suggestion import suggestion

T = TypeVar("T")
Values = Mapping[str, Any]  # usage.Options is an untyped dict: of str or None, here also of lists


class Secret(str):
    """A string that no repr, and so no traceback or log of a structure, shows."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class BackendChoice(NamedTuple):
    """A backend to make: its maker, its settings, and what it is to get."""

    maker: IBackendMaker
    settings: Mapping[str, str]
    filter: SeriesFilter


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
    outbox_size: int = 1 << 30
    outbox_age: float = 7 * 86_400.0
    acknowledges: bool = True
    acknowledgements: Endpoint | None = None


def settings_of(options: Values, environment: Mapping[str, str]) -> Settings:
    """Return the settings that parsed options mean; raises usage.UsageError."""
    backends = _backends(options, environment)
    credentials = options["web-credentials"]
    curve_keys, insecure_tcp = options["curve-keys"], bool(options["insecure-tcp"])
    return Settings(
        endpoints=_endpoints(options["socket"], bool(curve_keys), insecure_tcp),
        curve_keys=Path(curve_keys) if curve_keys else None,
        insecure_tcp=insecure_tcp,
        acknowledges=options["acknowledgements"] != "none",
        acknowledgements=_acknowledgements(
            options["acknowledgements"], bool(curve_keys), insecure_tcp
        ),
        ipc_mode=_checked("--ipc-mode", options["ipc-mode"], values.mode),
        levels=_checked("--levels", options["levels"] or "", LevelFilter.parse),
        flush_interval=_checked("--flush-interval", options["flush-interval"], values.seconds),
        percentiles=_checked("--percentiles", options["percentiles"], values.percentiles),
        source=_checked("--source", options["source"] or socket.gethostname(), values.source),
        max_series=_checked("--max-series", options["max-series"], values.count),
        stop_timeout=_checked("--stop-timeout", options["stop-timeout"], values.seconds),
        statsd=tuple(
            _checked("--statsd", text, LineAddress.parse)
            for text in dict.fromkeys(options["statsd"])
        ),
        statsd_level=_checked("--statsd-level", options["statsd-level"], level_name),
        backends=backends,
        web=_web(options["web"], [choice.maker for choice in backends]),
        web_credentials=Path(credentials) if credentials else None,
        otlp=None if options["otlp"] in {None, "", "none"} else options["otlp"],
        outbox=_outbox(options["outbox"]),
        outbox_size=_checked("--outbox-size", options["outbox-size"], values.size),
        outbox_age=_checked("--outbox-age", options["outbox-age"], values.age),
    )


def _acknowledgements(given: str | None, has_keys: bool, insecure_tcp: bool) -> Endpoint | None:
    """Return the endpoint that was given; raises usage.UsageError where anybody could listen."""
    if given in {None, "none"}:
        return None
    endpoint = _checked("--acknowledgements", given or "", Endpoint.parse)
    _check_keys("--acknowledgements", endpoint, has_keys or insecure_tcp)
    return endpoint


def _check_keys(option: str, endpoint: Endpoint, is_safe: bool) -> None:
    if endpoint.remote and not is_safe:
        raise usage.UsageError(
            f"{option}: {endpoint.address} is beyond loopback, where anybody could send; give "
            "--curve-keys DIR, as zibrato keygen makes it, or --insecure-tcp"
        )


def _endpoints(given: Sequence[str], has_keys: bool, insecure_tcp: bool) -> tuple[Endpoint, ...]:
    """Return where to listen; raises usage.UsageError where anybody could send unasked."""
    endpoints = tuple(
        _checked("--socket", text, Endpoint.parse)
        for text in dict.fromkeys(given or [DEFAULT_SOCKET])
    )
    if has_keys and insecure_tcp:
        raise usage.UsageError("--insecure-tcp: expected it without --curve-keys; leave one out")
    for endpoint in endpoints:
        _check_keys("--socket", endpoint, has_keys or insecure_tcp)
    return endpoints


def backend_makers() -> dict[str, IBackendMaker]:
    """Return the makers of the installed backends by name."""
    return {maker.name: maker for maker in getPlugins(IBackendMaker)}


def makers_with_options() -> list[IBackendOptions]:
    """Return the makers of the installed backends that have options of their own, by name."""
    makers = (IBackendOptions(maker, None) for _, maker in sorted(backend_makers().items()))
    return [maker for maker in makers if maker is not None]


def _backends(options: Values, environment: Mapping[str, str]) -> tuple[BackendChoice, ...]:
    makers = backend_makers()
    implied = _implied(options, environment)
    choices = []
    for text in _chosen(options):
        name, given = _named(text, makers)
        wanted = _filter(name, given)
        settings = _with_secrets(makers[name], {**implied.get(name, {}), **given})
        choices.append(BackendChoice(makers[name], settings, wanted))
    return tuple(choices)


def _filter(name: str, given: dict[str, str]) -> SeriesFilter:
    """Take out of a backend's settings what any backend has, and return what that means."""
    own = {key: given.pop(key) for key in NAMES if key in given}
    try:
        return SeriesFilter.parse(own)
    except ValueError as error:
        raise usage.UsageError(f"--backend {name}: {error}") from None


def _named(text: str, makers: Collection[str]) -> tuple[str, dict[str, str]]:
    """Return the backend's name and its settings of a `--backend`."""
    name, *pairs = re.split(r":(?=[A-Za-z_]+=)", text)
    given = dict(pair.split("=", 1) for pair in pairs)
    if name not in makers:
        backend = re.split(r"[^\w.-]", name)[0]  # what is behind it may be a key
        if backend in makers:
            raise usage.UsageError(
                f"--backend {backend}: expected key=value behind the colon; see --help-backends"
            )
        raise usage.UsageError(
            f"--backend: expected one of {', '.join(sorted(makers))}, "
            f"got {backend!r}{suggestion(backend, makers)}"
        )
    if len(given) < len(pairs):
        raise usage.UsageError(f"--backend {name}: expected each setting once; leave one out")
    return name, given


def _chosen(options: Values) -> list[str]:
    """Return what `--backend` chose, then what its own options ask for, else the default."""
    chosen: list[str] = list(options["backend"])
    names = {text.partition(":")[0] for text in chosen}
    makers = makers_with_options()
    chosen += [
        maker.name for maker in makers if options[maker.asked_by] and maker.name not in names
    ]
    return chosen or [maker.name for maker in makers if maker.is_default]


def _implied(options: Values, environment: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
    """Return the settings that options of the backends' own imply, by the backend's name."""
    try:
        return {maker.name: maker.settings(options, environment) for maker in makers_with_options()}
    except ValueError as error:
        raise usage.UsageError(str(error)) from None


def _with_secrets(maker: IBackendMaker, settings: Mapping[str, str]) -> Mapping[str, str]:
    secrets = maker.secrets
    return {name: Secret(value) if name in secrets else value for name, value in settings.items()}


def _web(description: str | None, makers: Sequence[IBackendMaker]) -> str | None:
    """Return the endpoint of a backend's page, None for no page."""
    if description is None:
        declared = (IBackendOptions(maker, None) for maker in makers)
        return next((maker.web for maker in declared if maker and maker.web), None)
    return None if description in {"", "none"} else description


def _outbox(text: str | None) -> str | None:
    """Return the file of the outbox, `none` for none, None for the default."""
    if text == "":
        raise usage.UsageError("--outbox: expected the name of a file, or none, got ''")
    return text


def _checked(name: str, text: str, convert: Callable[[str], T]) -> T:
    try:
        return convert(text)
    except ValueError as error:
        raise usage.UsageError(f"{name}: {error}") from None
