"""The daemon's options: the command line and a configuration file."""

from __future__ import annotations

import configparser
import getopt
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from twisted.python import usage

from zibrato.daemon.settings import (
    CREDENTIAL,
    DEFAULT_WEB,
    Secret,
    Settings,
    backend_makers,
    settings_of,
)

CONFIG = ("--config", "-c")


class Options(usage.Options):
    """What `twistd zibrato` takes; `settings` has the values checked and converted."""

    synopsis = "[options]"
    longdesc = (
        "Receives measurements over ZeroMQ, aggregates them, and ships them to backends: to a "
        "Librato API with --username and an API key, else to a store of its own with a web page."
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
        ["store", None, None, "File to keep measurements in, beside other backends or as the only"],
        [
            "web",
            None,
            None,
            "Twisted endpoint of the store's page and API, none for neither; default: "
            f"{DEFAULT_WEB} where there is a store",
        ],
        ["web-credentials", None, None, "File that holds the user:password to ask web clients for"],
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
        levels=EXPRESSION. [default: librato with --username, else store]"""
        self["backend"].append(choice)

    opt_b = opt_backend

    def opt_help_backends(self) -> None:
        """List the backends and their settings."""
        for name, maker in sorted(backend_makers().items()):
            print(f"{name}: {maker.description}")
        raise SystemExit(0)

    def opt_version(self) -> None:
        """Print the version and exit."""
        from zibrato import __version__  # noqa: PLC0415 - the client is not needed otherwise

        print(f"zibrato {__version__}")
        raise SystemExit(0)

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Parse the command line after the configuration file, over which it has precedence.

        Raises usage.UsageError; as twistd's subcommand, one line on stderr and exit status 1.
        """
        self._arguments = list(sys.argv[1:] if options is None else options)
        try:
            self._parse([*self._configured(), *self._arguments])
        except usage.UsageError as error:
            if getattr(self, "parent", None) is None:
                raise
            raise SystemExit(f"zibrato: {error}") from None

    def parseArgs(self, *arguments: str) -> None:
        """Refuse what is no option."""
        if arguments:
            raise usage.UsageError(f"expected options only, got {arguments[0]!r}; see --help")

    def postOptions(self) -> None:
        """Check everything and convert it; raises usage.UsageError."""
        if self["config"] != _value_of(self._arguments, *CONFIG):
            raise usage.UsageError("--config: expected it once, on the command line, in full")
        if self["apikey"]:
            self["apikey"] = Secret(self["apikey"])
        self.settings = settings_of(self, self.environment)

    def reread(self) -> Options:
        """Return the options as they are now in files and the environment."""
        again = type(self)(self.environment)
        again.parseOptions(self._arguments)
        return again

    def _parse(self, arguments: Sequence[str]) -> None:
        """Parse all arguments, saying what to do where Twisted doesn't."""
        try:
            usage.Options.parseOptions(self, arguments)
        except usage.UsageError as error:
            if isinstance(error.__context__, getopt.GetoptError):
                raise usage.UsageError(f"{error}; see --help") from None
            raise

    def _configured(self) -> list[str]:
        """Return the options of the `--config` file as command-line arguments."""
        path = _value_of(self._arguments, *CONFIG)
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
        for name, _ in items:
            if name not in self or name == "config":
                raise usage.UsageError(f"--config: {path} can't set {name!r}; see --help")
        lines = ((name, line) for name, value in items for line in value.splitlines())
        return [f"--{name}={line}" for name, line in lines if line]


def _value_of(arguments: Sequence[str], *names: str) -> str | None:
    """Return the value of an option in arguments that are not parsed yet."""
    for index, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in names and equals:
            return value
        if name in names and index + 1 < len(arguments):
            return arguments[index + 1]
    return None
