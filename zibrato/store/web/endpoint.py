"""Check Twisted endpoint descriptions for the page and for other servers, and open them."""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import socket
import stat
from collections.abc import Mapping
from contextlib import closing

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IAddress, IStreamServerEndpoint

from zibrato.interfaces import Reactor
from zibrato.store.options import WEB

_FIRST = {"tcp": "port", "tcp6": "port", "ssl": "port", "unix": "address"}
"""By kind of endpoint, the argument that needs no name; only these kinds are checked here."""
_NUMBERS = {"port": ("[0-9]{1,5}", 65_535), "backlog": ("[1-9][0-9]{0,5}", 65_535)}


def server_endpoint(
    reactor: Reactor, description: str, option: str = "--web", example: str = WEB
) -> IStreamServerEndpoint:
    """Parse an endpoint description; raises ValueError, one line for people, if it is invalid."""
    try:
        _check_arguments(description)
        endpoint: IStreamServerEndpoint = serverFromString(reactor, description)
    except Exception as error:  # Twisted's parsers raise whatever their conversions raise
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{option}: expected a Twisted endpoint such as {example}, "
            f"got {description!r}: {reason}"
        ) from None
    return endpoint


def own_endpoint(
    reactor: Reactor, description: str, option: str, example: str, *, is_safe: bool, advice: str
) -> IStreamServerEndpoint:
    """Return the endpoint of a server beside the page: only for this host unless it `is_safe`.

    `advice` says what people can do if it can't be opened. Raises ValueError, one line for people.
    """
    endpoint = server_endpoint(reactor, description, option, example)
    check_reach(description, option, example, is_safe=is_safe)
    try:
        check_can_listen(description)
    except OSError as error:
        why = error.strerror or error
        raise ValueError(f"{option}: can't listen at {description}: {why}; {advice}") from None
    return endpoint


def check_page_reach(description: str, *, has_credentials: bool) -> None:
    """Raise ValueError, one line for people, if anybody could reach the page."""
    if not (has_credentials or is_local(description)):
        raise ValueError(
            f"--web: {description} can be reached from elsewhere: give --web-credentials FILE, "
            f"which holds user:password, or listen at {WEB}"
        )


def check_reach(description: str, option: str, example: str, *, is_safe: bool) -> None:
    """Raise ValueError, one line for people, if anybody could reach an endpoint that isn't safe."""
    if not (is_safe or is_local(description)):
        raise ValueError(
            f"{option}: {description} can be reached from elsewhere: give --web-credentials FILE, "
            f"which holds user:password, or --insecure-tcp, or listen at {example}"
        )


def check_can_listen(description: str) -> None:
    """Raise OSError if it isn't possible to listen at a TCP port or a UNIX socket.

    The address is bound and closed again, so that errors are reported before daemonising: the real
    socket can't be opened until after it.
    """
    kind, arguments = arguments_of(description)
    if kind in {"tcp", "tcp6", "ssl"}:
        address = arguments.get("interface") or ("::" if kind == "tcp6" else "")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with closing(socket.socket(family)) as trial:
            # Set this as Twisted does, or a port would be in use as long as the kernel keeps its
            # last connections.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((address, int(arguments["port"])))
            trial.listen()
    elif kind == "unix":
        _check_path(arguments["address"])


def is_local(description: str) -> bool:
    """Return whether only this host can reach a Twisted endpoint."""
    kind, arguments = arguments_of(description)
    if kind == "unix":
        return True
    if kind not in {"tcp", "tcp6", "ssl", "tls"}:
        return False
    interface = arguments.get("interface", "")
    try:
        return interface == "localhost" or ipaddress.ip_address(interface).is_loopback
    except ValueError:
        return False


def url_of(host: IAddress) -> str:
    """Return the URL of a bound address, or its description if it has no URL."""
    if not isinstance(host, IPv4Address | IPv6Address):
        return str(host)
    name = host.host
    if name in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        name = "127.0.0.1"
    return f"http://[{name}]:{host.port}/" if ":" in name else f"http://{name}:{host.port}/"


def arguments_of(description: str) -> tuple[str, Mapping[str, str]]:
    """Return kind and arguments of a description; raises ValueError if an argument is repeated."""
    # Twisted's descriptions write a colon in an argument as `\:`.
    kind, *parts = re.split(r"(?<!\\):", description)
    arguments: dict[str, str] = {}
    for index, part in enumerate(parts):
        name, equals, value = part.partition("=")
        if not equals:
            name, value = (_FIRST.get(kind, "") if index == 0 else f"{index + 1}"), part
        if name in arguments:
            raise ValueError(f"{name} is given twice")
        arguments[name] = value.replace("\\", "")
    return kind, arguments


def _check_arguments(description: str) -> None:
    """Raise ValueError for what Twisted would accept, but would listen nowhere or elsewhere."""
    kind, arguments = arguments_of(description)
    for name, (pattern, most) in _NUMBERS.items():
        value = arguments.get(name)
        if value is not None and not (re.fullmatch(pattern, value) and int(value) <= most):
            raise ValueError(f"{name} must be a number up to {most}")
    first = _FIRST.get(kind)
    if first and not arguments.get(first):
        raise ValueError(f"it has no {first}")


def _check_path(path: str) -> None:
    """Raise OSError if no UNIX socket can be made at `path`; a dead server's may be there."""
    with closing(socket.socket(socket.AF_UNIX)) as trial:
        if not os.path.lexists(path):
            trial.bind(path)
            os.unlink(path)
            return
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise FileExistsError(errno.EEXIST, "there is a file")
        # Twisted removes a dead server's socket only if the lock file beside it exists.
        if trial.connect_ex(path) == 0 or not os.path.lexists(f"{path}.lock"):
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
