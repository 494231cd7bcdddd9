"""Records one measurement: `zibrato send counter|timer|gauge NAME [VALUE]`.

A counter without VALUE adds 1; the VALUE of a timer is in seconds. The exit status is 1 if an
argument is wrong, or if no daemon accepted the measurement within 2 seconds.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

from zibrato.commands.command_line import CommandLine
from zibrato.model import COUNTER, KINDS, TIMER
from zibrato.shell import measurement


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; an error is one line on stderr, and exit status 1."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.value is None and options.kind != COUNTER:
        parser.error(f"expected a VALUE; a {options.kind} needs one")
    if options.kind == TIMER and options.value < 0:
        parser.error(f"expected 0 or more seconds, got {options.value:g}")
    try:
        measurement.check_options(options)
    except ValueError as error:
        parser.error(str(error))
    value = 1 if options.value is None else options.value
    if wrong := measurement.send(options, options.kind, value):
        raise SystemExit(f"zibrato send: {wrong}")


def _parser() -> argparse.ArgumentParser:
    parser = CommandLine("send", __doc__)
    # argparse takes an argument with a dash for an option unless it matches this; -1e5 wouldn't.
    parser._negative_number_matcher = re.compile(f"-{measurement.NUMBER.pattern}$")
    parser.add_argument("kind", choices=KINDS, help=", ".join(KINDS), metavar="KIND")
    parser.add_argument("name", metavar="NAME", type=measurement.text, help="name of the metric")
    parser.add_argument("value", metavar="VALUE", nargs="?", type=measurement.number)
    measurement.add_options(parser)
    return parser


if __name__ == "__main__":
    main()
