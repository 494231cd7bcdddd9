"""The daemon's options: the command line, a configuration file, and where secrets come from."""

from __future__ import annotations

import configparser
import math
import os
import re
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from twisted.plugin import getPlugins
from twisted.python import usage

from .intake.zeromq import Endpoint
from .interfaces import IBackendMaker
from .levels import LevelFilter

T = TypeVar("T")
DEFAULT_SOCKET = "tcp://127.0.0.1:5550"
CREDENTIAL = "apikey"


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


class Options(usage.Options):
    """What `twistd zibrato` takes; `settings` has the values checked and converted."""

    synopsis = "[options]"
    longdesc = (
        "Receives measurements over ZeroMQ, aggregates them, and ships them to backends: to a "
        "Librato API with --username and an API key, else as JSON lines to standard output."
    )
    optParameters = [  # noqa: RUF012 - usage.Options declares it so
        ["username", "u", None, "Librato user name, most often an e-mail address"],
        [
            "apikey",
            "k",
            None,
            "Librato API key; it shows in ps, so better use --apikey-file, a systemd credential "
            f"{CREDENTIAL} or $ZIBRATO_APIKEY",
        ],
        ["apikey-file", None, None, "File that holds the API key"],
        [
            "hostname",
            "H",
            "metrics-api.librato.com",
            "Librato API host; http://HOST:PORT for a server without TLS",
        ],
        ["apipath", "p", "/v1/", "Librato API path"],
        ["levels", "l", None, "Levels to take, such as info,error or warning+; default: all"],
        ["flush-interval", "i", "10", "Seconds that are summed up, aligned to the clock"],
        ["percentiles", None, "50,95,99", "Percentiles of timers to ship, comma-separated"],
        ["source", None, None, "Source of measurements that name none; default: the host name"],
        ["max-series", None, "100000", "Series that may be open at once; new ones are dropped"],
        ["ipc-mode", None, "660", "Permissions of ipc sockets, in octal"],
        ["stop-timeout", None, "8", "Seconds that a stop may spend on the last deliveries"],
        ["config", "c", None, "File of options as NAME = VALUE under [zibrato]; read anew on HUP"],
    ]
    compData = usage.Completions()

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        usage.Options.__init__(self)
        self.environment = environment
        self.settings: Settings
        self._arguments: list[str] = []
        self["socket"] = []
        self["backend"] = []

    def opt_socket(self, endpoint: str) -> None:
        """ZeroMQ endpoint to bind, or to connect to with connect: before it; may be repeated.
        [default: tcp://127.0.0.1:5550]"""
        self["socket"].append(endpoint)

    opt_s = opt_socket

    def opt_backend(self, choice: str) -> None:
        """Backend to ship to, as NAME or NAME:key=value:key=value; may be repeated; any takes
        levels=EXPRESSION. [default: librato with --username, else log]"""
        self["backend"].append(choice)

    opt_b = opt_backend

    def opt_help_backends(self) -> None:
        """List the backends and their settings."""
        for name, maker in sorted(_makers().items()):
            print(f"{name}: {maker.description}")
        raise SystemExit(0)

    def opt_version(self) -> None:
        """Print the version and exit."""
        from . import __version__  # noqa: PLC0415 - the client is not needed otherwise

        print(f"zibrato {__version__}")
        raise SystemExit(0)

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Parse the command line after the configuration file, over which it has precedence.

        Raises usage.UsageError; as twistd's subcommand, one line on stderr and exit status 1.
        """
        self._arguments = list(sys.argv[1:] if options is None else options)
        try:
            usage.Options.parseOptions(self, [*self._configured(), *self._arguments])
        except usage.UsageError as error:
            if getattr(self, "parent", None) is None:
                raise
            raise SystemExit(f"zibrato: {error}") from None

    def postOptions(self) -> None:
        """Check everything and convert it; raises usage.UsageError."""
        if self["apikey"]:
            self["apikey"] = Secret(self["apikey"])
        self.settings = _settings(self)

    def reread(self) -> Options:
        """Return the options as they are now in files and the environment."""
        again = type(self)(self.environment)
        again.parseOptions(self._arguments)
        return again

    def _configured(self) -> list[str]:
        """Return the options of the `--config` file as command-line arguments."""
        path = _value_of(self._arguments, "--config", "-c")
        if path is None:
            return []
        parser = configparser.ConfigParser(interpolation=None)
        try:
            with Path(path).open() as file:
                parser.read_file(file)
            items = parser.items("zibrato")
        except (OSError, UnicodeDecodeError, configparser.Error) as error:
            raise usage.UsageError(
                f"--config: can't read {path}: {' '.join(str(error).split())}; it must be a file "
                "of NAME = VALUE lines under [zibrato]"
            ) from None
        return [f"--{name}={each}" for name, value in items for each in value.splitlines()]


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


def _settings(options: Options) -> Settings:
    return Settings(
        endpoints=tuple(
            _checked("--socket", text, Endpoint.parse)
            for text in options["socket"] or [DEFAULT_SOCKET]
        ),
        ipc_mode=_checked("--ipc-mode", options["ipc-mode"], _mode),
        levels=_checked("--levels", options["levels"] or "", LevelFilter.parse),
        flush_interval=_checked("--flush-interval", options["flush-interval"], _seconds),
        percentiles=_checked("--percentiles", options["percentiles"], _percentiles),
        source=options["source"] or socket.gethostname(),
        max_series=_checked("--max-series", options["max-series"], _count),
        stop_timeout=_checked("--stop-timeout", options["stop-timeout"], _seconds),
        backends=_backends(options),
    )


def _backends(options: Options) -> tuple[BackendChoice, ...]:
    account = _account(options)
    chosen = options["backend"] or (["librato"] if options["username"] else ["log"])
    makers = _makers()
    choices = []
    for text in chosen:
        name, *pairs = re.split(r":(?=[A-Za-z_]+=)", text)
        if name not in makers:
            raise usage.UsageError(
                f"--backend: expected one of {', '.join(sorted(makers))}, got {name!r}"
            )
        settings = dict(pair.split("=", 1) for pair in pairs)
        levels = _checked("--backend: levels", settings.pop("levels", ""), LevelFilter.parse)
        known = {**account, **settings} if name == "librato" else settings
        choices.append(BackendChoice(makers[name], known, levels))
    return tuple(choices)


def _account(options: Options) -> dict[str, str]:
    """Return the settings of the Librato backend; raises where one half of an account is given."""
    apikey = _apikey(options)
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


def _apikey(options: Options) -> str:
    """Return the API key: the argument, its file, systemd's credential, or the environment."""
    environment = options.environment
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


def _makers() -> dict[str, Any]:
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


def _value_of(arguments: Sequence[str], *names: str) -> str | None:
    """Return the value of an option in arguments that are not parsed yet."""
    for index, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in names and equals:
            return value
        if name in names and index + 1 < len(arguments):
            return arguments[index + 1]
    return None
