"""Private: find addresses that a daemon would use twice, also under two names; pure.

What starts first gets the address. Hosts are compared as far as possible without asking the system.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import NamedTuple

from zibrato.daemon.settings import Settings
from zibrato.endpoint import Endpoint
from zibrato.interfaces import IBackend
from zibrato.line_address import LineAddress
from zibrato.store.web.endpoint import arguments_of
from zibrato.web.scraping import scraped

__all__ = ["clashes", "clashes_with_running"]

_TCP, _UNIX = "tcp", "unix"
_ANY = {"0.0.0.0", "::"}  # noqa: S104 - the addresses are compared, not bound
_NAMES = {"*": "0.0.0.0", "localhost": "127.0.0.1"}  # noqa: S104 - as above
_OTHER_NAME = ", under another name; leave one out"
_ZEROMQ = re.compile(r"tcp://(.+):([0-9]+)")


class Place(NamedTuple):
    """Where something listens: a host and port, or a path instead of the host.

    `option` is the option that people set it with, and `shown` is their value. A place may be only
    `implied_by` another endpoint; the daemon can do without such a place.
    """

    option: str
    shown: str
    kind: str
    host: str
    port: int = 0
    implied_by: str = ""

    def is_at(self, other: Place) -> bool:
        """Return whether this place and the other one exclude each other."""
        is_any_free = self.kind != _UNIX and not self.port
        if is_any_free or (self.kind, self.port) != (other.kind, other.port):
            return False
        if self.host == other.host:
            return True
        of_one_family = (":" in self.host) == (":" in other.host)
        return self.kind != _UNIX and of_one_family and not _ANY.isdisjoint((self.host, other.host))


def clashes(settings: Settings, backends: Sequence[IBackend]) -> Iterator[str]:
    """Generate a line for people for each place that is already in use."""
    before: list[Place] = []
    for place in _places(settings, backends):
        other = next((one for one in before if place.is_at(one)), None)
        if other is None:
            before.append(place)
        elif not place.implied_by:
            yield _line(place, other)


def clashes_with_running(
    settings: Settings, running: Settings, backends: Sequence[IBackend]
) -> Iterator[str]:
    """Generate a line for people for each new place where the running daemon listens already.

    It closes the sockets that a reload removes only after it has opened the new ones.
    """
    before = [*_places(running, backends)]
    for place in _places(settings, backends):
        other = next((one for one in before if place.is_at(one)), None)
        if other is not None and place not in before and not place.implied_by:
            has = f"its acknowledgements to clients of {other.implied_by}"
            has = has if other.implied_by else f"its {other.option} {other.shown}"
            yield (
                f"{place.option}: {place.shown} is taken by this daemon, for {has}; restart it to "
                "apply this"
            )


def _line(place: Place, other: Place) -> str:
    if place.option == other.option:
        has = f"another {place.option.partition(':')[0]}"
        has += "; give it another" if place.shown == other.shown else _OTHER_NAME
    elif other.implied_by:
        has = (
            f"acknowledgements to clients of {other.implied_by}; give another, or "
            f"{other.option} an endpoint, or none"
        )
    else:
        has = f"{other.option} {other.shown}; give one of them another"
    return f"{place.option}: {place.shown} is taken by {has}"


def _places(settings: Settings, backends: Sequence[IBackend]) -> Iterator[Place]:
    """Generate all places that are known before the start, in the order of the start."""
    for endpoint in settings.endpoints:
        yield from _of_zeromq("--socket", endpoint)
        way_back = endpoint.way_back()
        if settings.acknowledges and settings.acknowledgements is None and way_back is not None:
            yield from _of_zeromq("--acknowledgements", way_back, endpoint.address)
    if settings.acknowledgements is not None:
        yield from _of_zeromq("--acknowledgements", settings.acknowledgements)
    yield from map(_of_lines, settings.statsd)
    own = ((f"--backend {one.name}: endpoint", one.endpoint) for one in scraped(backends))
    for option, description in (("--otlp", settings.otlp), ("--web", settings.web), *own):
        if description is not None:
            # Other checks report invalid endpoints.
            with suppress(KeyError, ValueError):
                yield from _of_twisted(option, description)


def _of_zeromq(option: str, endpoint: Endpoint, implied_by: str = "") -> Iterator[Place]:
    address = endpoint.address
    match = _ZEROMQ.fullmatch(address)
    if endpoint.path:
        path = os.path.abspath(endpoint.path)
        yield Place(option, address, _UNIX, path, implied_by=implied_by)
    elif match and not endpoint.connect:
        yield Place(option, address, _TCP, _host(match[1]), int(match[2]), implied_by)


def _of_lines(address: LineAddress) -> Place:
    shown = str(address)
    if address.path:
        return Place("--statsd", shown, _UNIX, os.path.abspath(address.path))
    return Place("--statsd", shown, address.transport, _host(address.host), address.port)


def _of_twisted(option: str, description: str) -> Iterator[Place]:
    kind, arguments = arguments_of(description)
    if kind == "unix":
        yield Place(option, description, _UNIX, os.path.abspath(arguments["address"]))
    elif kind in {"tcp", "tcp6", "ssl"}:
        host = arguments.get("interface") or ("::" if kind == "tcp6" else "*")
        yield Place(option, description, _TCP, _host(host), int(arguments["port"]))


def _host(text: str) -> str:
    """Return an IP address in a canonical form; a name is returned as it is."""
    name = text.strip("[]")
    try:
        return str(ip_address(_NAMES.get(name, name)))
    except ValueError:
        return name
