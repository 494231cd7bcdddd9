"""The options checked and converted, and where secrets come from."""

from __future__ import annotations

import math
import re
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from twisted.plugin import getPlugins
from twisted.python import usage

from zibrato.endpoint import DEFAULT_SOCKET, Endpoint
from zibrato.interfaces import IBackendMaker
from zibrato.levels import LevelFilter

T = TypeVar("T")
CREDENTIAL = "apikey"
DEFAULT_WEB = "tcp:5580:interface=127.0.0.1"


class Secret(str):
    """A string that no repr, and so no traceback or log of a structure, shows."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class BackendChoice(NamedTuple):
    """A backend to make: its maker, its settings, and the levels that it is to get."""

    maker: Any
    settings: Mapping[str, str]
    levels: LevelFilter


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
    web: str | None = None
    web_credentials: Path | None = None


def settings_of(options: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Return the settings that parsed options mean; raises usage.UsageError."""
    backends = _backends(options, environment)
    credentials = options["web-credentials"]
    return Settings(
        endpoints=tuple(
            _checked("--socket", text, Endpoint.parse)
            for text in dict.fromkeys(options["socket"] or [DEFAULT_SOCKET])
        ),
        ipc_mode=_checked("--ipc-mode", options["ipc-mode"], _mode),
        levels=_checked("--levels", options["levels"] or "", LevelFilter.parse),
        flush_interval=_checked("--flush-interval", options["flush-interval"], _seconds),
        percentiles=_checked("--percentiles", options["percentiles"], _percentiles),
        source=options["source"] or socket.gethostname(),
        max_series=_checked("--max-series", options["max-series"], _count),
        stop_timeout=_checked("--stop-timeout", options["stop-timeout"], _seconds),
        backends=backends,
        web=_web(options["web"], any(each.maker.name == "store" for each in backends)),
        web_credentials=Path(credentials) if credentials else None,
    )


def _backends(
    options: Mapping[str, Any], environment: Mapping[str, str]
) -> tuple[BackendChoice, ...]:
    account = _account(options, environment)
    chosen = _chosen(options)
    makers = backend_makers()
    choices = []
    for text in chosen:
        name, *pairs = re.split(r":(?=[A-Za-z_]+=)", text)
        if name not in makers:
            raise usage.UsageError(
                f"--backend: expected one of {', '.join(sorted(makers))}, got {name!r}"
            )
        settings = dict(pair.split("=", 1) for pair in pairs)
        levels = _checked("--backend: levels", settings.pop("levels", ""), LevelFilter.parse)
        given = {"librato": account, "store": {"path": options["store"] or ""}}.get(name, {})
        known = {**given, **settings}
        choices.append(BackendChoice(makers[name], known, levels))
    return tuple(choices)


def _chosen(options: Mapping[str, Any]) -> list[str]:
    """Return the backends to have; with no account and no other, the daemon keeps a store."""
    chosen = options["backend"] or (["librato"] if options["username"] else [])
    has_store = any(re.match("store(:|$)", each) for each in chosen)
    if has_store or (chosen and not options["store"]):
        return list(chosen)
    return [*chosen, "store"]


def _web(description: str | None, has_store: bool) -> str | None:
    """Return the endpoint of the store's page, None for no page."""
    if description in {"", "none"} or (description is None and not has_store):
        return None
    if not has_store:
        raise usage.UsageError("--web: there is no store to show; add --store PATH")
    return description or DEFAULT_WEB


def _account(options: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of the Librato backend; raises where one half of an account is given."""
    apikey = _apikey(options, environment)
    username = options["username"]
    if username and not apikey:
        raise usage.UsageError(
            "--username: an API key is needed too; give --apikey-file FILE, a systemd credential "
            f"{CREDENTIAL}, $ZIBRATO_APIKEY or --apikey KEY"
        )
    if options["apikey"] and not username:
        raise usage.UsageError("--apikey: a user name is needed too; give --username NAME")
    return {
        "username": username or "",
        "apikey": Secret(apikey),
        "hostname": options["hostname"],
        "apipath": options["apipath"],
    }


def _apikey(options: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    """Return the API key: the argument, its file, systemd's credential, or the environment."""
    if options["apikey"]:
        return str(options["apikey"])
    if options["apikey-file"]:
        return _secret("--apikey-file", Path(options["apikey-file"]))
    credentials = environment.get("CREDENTIALS_DIRECTORY")
    if credentials and (path := Path(credentials, CREDENTIAL)).exists():
        return _secret(f"credential {CREDENTIAL}", path)
    return environment.get("ZIBRATO_APIKEY", "")


def _secret(name: str, path: Path) -> str:
    try:
        secret = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise usage.UsageError(f"{name}: can't read {path}: {error}") from None
    if not secret:
        raise usage.UsageError(f"{name}: {path} is empty; it must hold the API key")
    return secret


def backend_makers() -> dict[str, Any]:
    """Return the makers of the installed backends by name."""
    return {maker.name: maker for maker in getPlugins(IBackendMaker)}


def _checked(name: str, text: str, convert: Callable[[str], T]) -> T:
    try:
        return convert(text)
    except ValueError as error:
        raise usage.UsageError(f"{name}: {error}") from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ValueError(f"expected seconds above 0, got {text!r}; write 10 for ten seconds")
    return seconds


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"expected a whole number above 0, got {text!r}")
    return int(text)


def _mode(text: str) -> int:
    if not re.fullmatch("[0-7]{3,4}", text):
        raise ValueError(f"expected permissions in octal such as 660, got {text!r}")
    return int(text, 8)


def _percentiles(text: str) -> tuple[float, ...]:
    try:
        percentiles = tuple(float(item) for item in text.split(",") if item.strip())
    except ValueError:
        percentiles = (math.nan,)
    if not all(0 < percent <= 100 for percent in percentiles):
        raise ValueError(f"expected numbers above 0 and up to 100 such as 50,95,99, got {text!r}")
    return percentiles
