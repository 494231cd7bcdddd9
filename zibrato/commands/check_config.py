"""Checks a configuration file of the daemon: `zibrato check-config FILE`.

For a valid file it prints one line that sums the file up, and exits with status 0. Otherwise it
prints a line for each error, and exits with status 1. It writes no file, listens nowhere and sends
nothing, so a daemon may be running with the file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import cast

from twisted.python import usage

from zibrato.commands.command_line import CommandLine
from zibrato.config_problems import config_problems
from zibrato.daemon.backend_choices import BackendChoice
from zibrato.daemon.config_file import ConfigError
from zibrato.daemon.options import Options
from zibrato.daemon.settings import Settings
from zibrato.interfaces import Reactor
from zibrato.tx.monotonic import MonotonicReactor

__all__ = ["checked_settings", "main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = CommandLine("check-config", __doc__)
    parser.add_argument("file", metavar="FILE", help="the file, as for --config")
    path = parser.parse_args(arguments).file
    try:
        settings = checked_settings(path, os.environ)
    except ConfigError as error:
        for problem in error.problems:
            print(f"zibrato check-config: {problem}", file=sys.stderr)
        raise SystemExit(1) from None
    except usage.UsageError as error:
        raise SystemExit(f"zibrato check-config: {str(error).removeprefix('--config: ')}") from None
    print(f"{path}: {_meaning(settings)}")


def checked_settings(path: str, environment: Mapping[str, str]) -> Settings:
    """Return the settings of a configuration file, without a command line.

    Raises usage.UsageError, as a ConfigError if several things may be wrong.
    """
    options = Options(environment)
    options.parseOptions(["--config", path])
    from twisted.internet import reactor as installed  # noqa: PLC0415 - backends get it

    reactor = MonotonicReactor(cast(Reactor, installed))
    found = [
        f": {problem.removeprefix('--')}"
        for problem in config_problems(reactor, options.settings, environment)
    ]
    if found:
        raise ConfigError(path, found)
    return options.settings


def _meaning(settings: Settings) -> str:
    places = [
        *(f"connect:{place.address}" if place.connect else place.address
          for place in settings.endpoints),
        *map(str, settings.statsd),
    ]  # fmt: skip
    backends = ", ".join(map(_backend, settings.backends))
    return (
        f"takes levels {settings.levels} at {', '.join(places)}; ships every "
        f"{settings.flush_interval:g} s to {backends}"
    )


def _backend(choice: BackendChoice) -> str:
    words = " ".join(f"{name}={value}" for name, value in choice.filter.settings.items())
    kind = choice.maker.name if choice.name != choice.maker.name else ""
    about = " ".join(filter(None, (kind, words)))
    return f"{choice.name} ({about})" if about else choice.name


if __name__ == "__main__":
    main()
