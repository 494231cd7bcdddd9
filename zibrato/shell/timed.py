"""Runs a command and records how long it took: `zibrato time [NAME] -- COMMAND …`.

NAME defaults to the command's own name. The tag `outcome` is ok or error; the tag `status` is what
a shell has in $?. The command gets the terminal, the open files and the signals of zibrato time,
which exits with the command's exit status. It exits with 127 if there is no such command, with 126
if the command can't be run, and with 125 if the arguments are wrong and nothing was run.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import NoReturn

from zibrato.commands.command_line import CommandLine
from zibrato.model import MAX_NAME_LENGTH, TIMER
from zibrato.printable import printable
from zibrato.shell import child, measurement

WRONG = 125
"""The exit status for wrong arguments, as in `env` and `timeout`."""
NOT_RUN = 126
NOT_THERE = 127


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command, and end as it does, whatever happens to the measurement."""
    options, command = _parse(list(sys.argv[1:] if arguments is None else arguments))
    start = perf_counter()
    try:
        status = child.run(command)
    except OSError as error:
        status = NOT_THERE if isinstance(error, FileNotFoundError) else NOT_RUN
        _say(f"{printable(command[0])}: {os.strerror(error.errno or 0)}")
    seconds = perf_counter() - start
    shown = 128 - status if status < 0 else status
    tags = {"outcome": "error" if shown else "ok", "status": str(shown)}
    if wrong := measurement.send(options, TIMER, seconds, tags):
        _say(wrong)
    child.end_as(status)


def _parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Return the options, and the command after the first `--`."""
    parser = _parser()
    if "--" not in arguments:
        parser.parse_known_args(arguments)  # perhaps it asks for help, or an option is wrong
        parser.error("expected -- before the command, as in zibrato time build -- make")
    at = arguments.index("--")
    options, command = parser.parse_args(arguments[:at]), list(arguments[at + 1 :])
    if not command:
        parser.error("expected a command behind --")
    if options.name is None:
        name = Path(command[0]).name
        # A file may have a name that a metric can't have.
        options.name = name if name.isprintable() else printable(name)[:MAX_NAME_LENGTH]
    try:
        measurement.check_options(options)
    except ValueError as error:
        parser.error(str(error))
    return options, command


def _say(text: str) -> None:
    if sys.stderr is None:  # the caller closed it; `print` would use stdout
        return
    with suppress(OSError, ValueError):  # nobody reads it
        print(f"zibrato time: {text}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = CommandLine("time", __doc__, status=WRONG)
    parser.usage = "zibrato time [options] [NAME] -- COMMAND …"
    parser.add_argument("name", metavar="NAME", nargs="?", type=measurement.text)
    measurement.add_options(parser)
    return parser


if __name__ == "__main__":
    main()
