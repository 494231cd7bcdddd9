"""The measurement of a command line: its options, checked, and the client that sends it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from math import isfinite

import zmq

from zibrato.client import Zibrato
from zibrato.client.arguments import MISSING, Arguments
from zibrato.endpoint import Endpoint
from zibrato.model import COUNTER, MAX_NAME_LENGTH

PATIENCE = 2.0
"""Seconds in which a daemon has to accept the measurement."""
LINGER = 0.1
NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", re.ASCII)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every measurement."""
    parser.add_argument("--level", default="info", help="default: info")
    parser.add_argument(
        "--tag",
        dest="tags",
        metavar="NAME=VALUE",
        type=tag,
        action="append",
        default=[],
        help="a tag; its NAME should have few values; may be repeated",
    )
    parser.add_argument(
        "--source", type=text, help="default: $ZIBRATO_SOURCE, or else the daemon's source"
    )
    parser.add_argument(
        "--socket",
        type=socket,
        help="the daemon's endpoint; default: $ZIBRATO_SOCKET, or else tcp://127.0.0.1:5550",
    )
    parser.add_argument(
        "--acknowledged",
        action="store_true",
        default=None,
        help="wait until the daemon has committed the measurement",
    )


def check_options(options: argparse.Namespace, kind: str = COUNTER) -> None:
    """Raise ValueError, with one line for people, for an invalid name or level."""
    tags = dict(options.tags)
    Arguments(options.name, MISSING, options.level, kind, options.source, tags).checked()


def send(
    options: argparse.Namespace, kind: str, value: float, tags: Mapping[str, str] | None = None
) -> str:
    """Record `value` and send it; return an error for people, or an empty text.

    `tags` are added to those of the options. This takes at most `PATIENCE` seconds.
    """
    try:
        z = Zibrato(options.socket, linger=LINGER, acknowledged=options.acknowledged)
    except (OSError, TypeError, ValueError, zmq.ZMQError) as error:
        return str(error)
    with z:
        event = z.count_me(
            options.name,
            mtype=kind,
            value=value,
            level=options.level,
            source=options.source,
            tags={**dict(options.tags), **(tags or {})},
        )
        event.count()
        if z.flush(PATIENCE) and not z.dropped:
            return ""
        daemon = z._connection.connector.daemon.removeprefix("a ")
        why = ", ".join(sorted(z.errors))
    return (
        f"no {daemon} took it within {PATIENCE:g} s{why and f' ({why})'}; "
        "is one running? --socket names another"
    )


def number(given: str) -> float:
    """Parse a finite number; raises argparse.ArgumentTypeError."""
    value = float(given) if NUMBER.fullmatch(given) else float("nan")
    if not isfinite(value):
        raise argparse.ArgumentTypeError(f"expected a number, got {given!r:.100}")
    return value


def text(given: str) -> str:
    """Return a name that the daemon accepts; raises argparse.ArgumentTypeError."""
    if not 0 < len(given) <= MAX_NAME_LENGTH or not given.isprintable():
        raise argparse.ArgumentTypeError(
            f"expected 1 to {MAX_NAME_LENGTH} characters without control characters, "
            f"got {given!r:.100}"
        )
    return given


def tag(given: str) -> tuple[str, str]:
    """Parse the name and the value of a tag; raises argparse.ArgumentTypeError."""
    name, equals, value = given.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {given!r:.100}")
    return text(name), text(value)


def socket(given: str) -> str:
    """Return the endpoint of a daemon; raises argparse.ArgumentTypeError."""
    try:
        return Endpoint.of_client(given).address
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("socket: ")) from None
