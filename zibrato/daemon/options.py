"""The daemon's options: the command line and a configuration file."""

from __future__ import annotations

import getopt
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from twisted.python import usage

from zibrato.daemon import values
from zibrato.daemon.backend_choices import (
    GENERIC,
    GivenBackend,
    Secret,
    backend_makers,
    makers_with_options,
    secrets_of,
)
from zibrato.daemon.config_file import ConfigError, ConfigFile, OptionNames, read_config
from zibrato.daemon.settings import Settings, settings_of
from zibrato.interfaces import BackendOption
from zibrato.suggestion import suggestion

CONFIG = ("--config", "-c")
LISTS = ("socket", "statsd", "backend")
COMMAS = ("levels", "percentiles")
FLAGS = ("insecure-tcp",)
"""Options without a value, which a configuration file sets with yes or no, true or false."""
NUMBERS = (
    "flush-interval", "max-series", "outbox-age", "outbox-size", "percentiles", "stop-timeout"
)  # fmt: skip
"""Options that a configuration file may set with a number."""

ACKNOWLEDGEMENTS = (
    "Endpoint for acknowledgements to clients, or none; default: one beside each --socket"
)


class _Parameters:
    """The daemon's own parameters, those of the backends, and `--web`.

    usage.Options iterates over them whenever options are made. Backends are looked up only then,
    because that imports every installed plugin.
    """

    def __init__(self, *own: list[str | None]) -> None:
        self._own = own

    def __iter__(self) -> Iterator[list[str | None]]:
        yield from self._own
        for option in _backend_options():
            yield [option.name, option.short, option.default, option.help]
        yield ["web", None, None, _web_help()]


class Options(usage.Options):
    """The options of `twistd zibrato`; `settings` has the values, checked and converted."""

    synopsis = "[options]"
    optParameters = _Parameters(
        ["levels", "l", None, "Levels to accept, such as info,error or warning+; default: all"],
        ["flush-interval", "i", "10", "Length of an interval in seconds"],
        ["percentiles", None, "50,95,99", "Percentiles of timers to ship, comma-separated"],
        ["source", None, None, "Source of measurements that name none; default: the host name"],
        ["max-series", None, "100000", "Series that may be open at once; further ones are dropped"],
        ["curve-keys", None, None, "Directory of CURVE keys, required beyond loopback"],
        ["otlp", None, None, "Twisted endpoint for OTLP metrics, besides that of --web"],
        ["acknowledgements", None, None, ACKNOWLEDGEMENTS],
        ["ipc-mode", None, "660", "Permissions of ipc sockets, in octal"],
        ["statsd-level", None, "info", "Level of statsd lines that have no tag level"],
        ["stop-timeout", None, "8", "Seconds that a stop may spend on the last deliveries"],
        ["outbox", None, None, "File of intervals that wait for backends, or none for memory only"],
        ["outbox-size", None, "1G", "Bytes that the waiting intervals of a backend may take"],
        ["outbox-age", None, "7d", "Age at which a waiting interval is dropped, such as 12h"],
        ["web-credentials", None, None, "File with the user:password that web clients must give"],
        ["config", "c", None, "File of options, TOML if its name ends in .toml; read again on HUP"],
    )
    compData = usage.Completions()

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        usage.Options.__init__(self)
        self.environment = environment
        self.settings: Settings
        self._arguments: list[str] = []
        self._config_has_secret = False
        self._directory = os.getcwd()  # because twistd's --rundir changes it before a reload
        self.longdesc, self.docs["backend"] = _longdesc(), _backend_help()
        self.update({**{name: [] for name in LISTS}, **dict.fromkeys(FLAGS)})

    def opt_socket(self, endpoint: str) -> None:
        """ZeroMQ endpoint to bind, or to connect to with connect: before it; may be repeated.
        [default: tcp://127.0.0.1:5550]"""
        self["socket"].append(endpoint)

    opt_s = opt_socket

    def opt_insecure_tcp(self) -> None:
        """Accept measurements beyond loopback from anybody, unencrypted, without --curve-keys"""
        self["insecure-tcp"] = "yes"

    def opt_statsd(self, address: str) -> None:
        """Address for statsd: udp:8125, tcp:PORT, unix:PATH or unixgram:PATH; may be repeated"""
        self["statsd"].append(address)

    def opt_backend(self, choice: str) -> None:
        """See `_backend_help`; no repr shows the choice, because it may contain a key."""
        self["backend"].append(Secret(choice))

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
        """Parse the configuration file, then the command line, which has precedence.

        Raises usage.UsageError. As a subcommand of twistd, prints one line on stderr instead, and
        exits with status 1.
        """
        # Secret, since any argument may be or contain a key; getopt makes plain strings of parts.
        self._arguments = [Secret(text) for text in (sys.argv[1:] if options is None else options)]
        try:
            config = self._read_config()
            self["backend"] += config.backends
            try:
                self._parse([*config.arguments, *map(str, self._arguments)])
            except usage.UsageError as error:
                raise self._placed(error, config) from None
        except usage.UsageError as error:
            # As a subcommand this exits, because twistd would print its whole help first.
            if getattr(self, "parent", None) is None:
                raise
            raise SystemExit(f"zibrato: {error}") from None

    def parseArgs(self, *arguments: str) -> None:
        """Refuse arguments that are not options."""
        if arguments:
            raise usage.UsageError(f"expected options only, got {arguments[0]!r}; see --help")

    def postOptions(self) -> None:
        """Check and convert all values; raises usage.UsageError."""
        # `_read_config` looked for it before Twisted parsed, which also takes --conf and repeats.
        if self["config"] != _value_of(self._arguments, *CONFIG):
            raise usage.UsageError("--config: expected it once, on the command line, in full")
        for name, value in self.items():
            self._check(name, value)
        for option in _backend_options():
            if option.secret and self[option.name]:
                self[option.name] = Secret(self[option.name])
        for name in (*self._files, "curve-keys"):
            if self[name]:
                self[name] = self._absolute(self[name])
        self.settings = settings_of(self, self.environment)

    def reread(self) -> Options:
        """Return the options as files and environment set them now."""
        again = type(self)(self.environment)
        again._directory = self._directory
        again.parseOptions(self._arguments)
        return again

    @property
    def secret_files(self) -> dict[str, Path]:
        """The files that hold secrets, by option; the configuration file only if it holds one."""
        files = {f"--{name}": Path(self[name]) for name in self._files if self[name]}
        if not self._config_has_secret:
            files.pop("--config", None)
        return files

    @property
    def has_files(self) -> bool:
        """Whether any files could have changed, so that a reload makes sense."""
        return bool(self["config"] or self.secret_files or self["curve-keys"])

    @property
    def _files(self) -> Sequence[str]:
        """The names of the options that name files to read."""
        secret = (option.name for option in _backend_options() if option.secret_file)
        return (*secret, "web-credentials", "config")

    def _absolute(self, path: str) -> str:
        return os.path.join(self._directory, os.path.expanduser(path))

    def _check(self, name: str, value: str | Sequence[str | GivenBackend] | None) -> None:
        """Raise usage.UsageError for a value that is wrong for any option."""
        for text in [value] if isinstance(value, str) else value or ():
            if isinstance(text, GivenBackend):  # it was checked when the file was read
                continue
            try:
                values.check_text(text)
            except ValueError as error:
                raise usage.UsageError(f"--{name}: {error}") from None
        if value == "" and name in (*self._files, "curve-keys"):
            kind = "directory" if name == "curve-keys" else "file"
            raise usage.UsageError(f"--{name}: expected the name of a {kind}, got ''; leave it out")

    def _parse(self, arguments: Sequence[str]) -> None:
        """Parse all arguments; adds to Twisted's errors what to do."""
        try:
            usage.Options.parseOptions(self, arguments)
        except usage.UsageError as error:
            if isinstance(error.__context__, getopt.GetoptError):
                names = {name.rstrip("=") for name in self.longOpt} - {error.__context__.opt}
                meant = suggestion(error.__context__.opt, names, "--")
                raise usage.UsageError(f"{error}{meant or '; see --help'}") from None
            raise

    def _placed(self, error: usage.UsageError, config: ConfigFile) -> usage.UsageError:
        """Return an error that names the configuration file, if only the file sets the option."""
        option = re.match("--([a-z-]+)", str(error))
        if option is None or option[1] not in config.names:
            return error
        if any(argument.startswith(option[0]) for argument in self._arguments):
            return error
        path = _value_of(self._arguments, *CONFIG) or ""
        return ConfigError(self._absolute(path), [f": {str(error)[2:]}"])

    def _read_config(self) -> ConfigFile:
        """Return what the file of `--config` sets, if there is one."""
        path = _value_of(self._arguments, *CONFIG)
        if not path:
            return ConfigFile()
        own = [option for option in _backend_options() if (option.default or "").isdigit()]
        numbers = {*NUMBERS, *(option.name for option in own)}
        names = OptionNames({*self} - {"config"}, LISTS, COMMAS, FLAGS, numbers)
        config = read_config(self._absolute(path), names)
        secrets = {option.name for option in _backend_options() if option.secret}
        self._config_has_secret = not secrets.isdisjoint(config.names) or any(
            not set(secrets_of(backend_makers()[given.type])).isdisjoint(given.settings)
            for given in config.backends
        )
        return config


def _backend_options() -> list[BackendOption]:
    return [option for maker in makers_with_options() for option in maker.options]


def _longdesc() -> str:
    makers = sorted(makers_with_options(), key=lambda maker: maker.is_default)
    return (
        "Receives measurements over ZeroMQ, aggregates them, and ships them to backends: to "
        f"{', else to '.join(maker.summary for maker in makers)}."
    )


def _backend_help() -> str:
    makers = makers_with_options()
    defaults = [f"{maker.name} with --{maker.asked_by}" for maker in makers if not maker.is_default]
    defaults += [f"else {maker.name}" for maker in makers if maker.is_default]
    return (
        "Backend to ship to, as NAME or NAME:key=value:key=value; may be repeated; each takes "
        f"{'=, '.join(GENERIC)}=. [default: {', '.join(defaults)}]"
    )


def _web_help() -> str:
    makers = [maker for maker in makers_with_options() if maker.web]
    names = " or ".join(maker.name for maker in makers)
    defaults = ", ".join(f"{maker.web} if there is a {maker.name}" for maker in makers)
    return f"Twisted endpoint of the {names}'s page and API, or none; default: {defaults}"


def _value_of(arguments: Sequence[str], *names: str) -> str | None:
    """Return the value of an option in arguments that haven't been parsed yet."""
    for index, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in names and equals:
            return value
        if name in names and index + 1 < len(arguments):
            return arguments[index + 1]
    return None
