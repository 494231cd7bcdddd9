"""Endpoints: ZeroMQ addresses where clients and daemons meet, to bind or to connect to."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import NamedTuple

import zmq

__all__ = ["DEFAULT_SOCKET", "Endpoint"]

DEFAULT_SOCKET = "tcp://127.0.0.1:5550"
_TRANSPORTS = ("ipc", "tcp", "inproc")
_MAX_PORT = 65_535
_PORT = re.compile("[1-9][0-9]{0,4}")
_EXPECTED = "expected ipc://PATH, tcp://HOST:PORT or inproc://NAME"


class Endpoint(NamedTuple):
    """A ZeroMQ address to bind or to connect to; usually daemons bind and clients connect."""

    address: str
    connect: bool = False

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Parse a daemon's `--socket`, which may start with `connect:`.

        Raises ValueError, with one line for people.
        """
        address = text.removeprefix("connect:")
        connect = address != text
        if expected := _expected(address, connect):
            raise ValueError(
                f"{expected}, with connect: before it to connect instead of to bind, got {text!r}"
            )
        return cls(address, connect)

    @classmethod
    def of_client(cls, address: str, *, bind: bool = False, what: str = "socket") -> Endpoint:
        """Return a client's endpoint; raises ValueError, with one line for people.

        `what` is the name of the argument, for the error.
        """
        if expected := _expected(address, not bind):
            raise ValueError(f"{what}: {expected}, got {address!r}")
        return cls(address, connect=not bind)

    @property
    def inproc(self) -> bool:
        """Whether only sockets in the process's shared context can reach it."""
        return self.address.startswith("inproc:")

    @property
    def remote(self) -> bool:
        """Whether other hosts may be at the other end, judging by the address."""
        if not self.address.startswith("tcp://"):
            return False
        # A source address may stand in front of a semicolon.
        host = self.address[len("tcp://") :].rpartition(":")[0].rpartition(";")[2].strip("[]")
        try:
            return host != "localhost" and not ip_address(host).is_loopback
        except ValueError:  # a wildcard, or the name of an interface or of a host
            return True

    @property
    def path(self) -> str | None:
        """The file of a socket that is bound to it; None if there is no file."""
        path = self.address.removeprefix("ipc://")
        is_file = path != self.address and not path.startswith("@")
        return path if is_file and not self.connect else None

    def way_back(self) -> Endpoint | None:
        """Return the endpoint of acknowledgements: with `.ack`, or the next port; None if none."""
        if not self.address.startswith("tcp:"):
            return self._replace(address=f"{self.address}.ack")
        host, _, port = self.address.rpartition(":")
        if not _PORT.fullmatch(port) or int(port) >= _MAX_PORT:
            return None
        return self._replace(address=f"{host}:{int(port) + 1}")

    def attach(self, socket: zmq.Socket[bytes]) -> None:
        """Bind or connect `socket`; set other options before. Raises zmq.ZMQError."""
        # Only for an address in brackets: the option would change what other addresses mean.
        socket.set(zmq.IPV6, "[" in self.address)
        (socket.connect if self.connect else socket.bind)(self.address)


def _expected(address: str, connect: bool) -> str | None:
    """Return what was expected instead of `address`; None if it is valid."""
    transport, separator, rest = address.partition("://")
    if not (separator and rest) or transport not in _TRANSPORTS or not address.isprintable():
        return _EXPECTED
    if transport == "tcp" and not _has_port(rest, connect):
        wildcard = "" if connect else ", or * for any that is free,"
        return f"{_EXPECTED} with a port from 1 to {_MAX_PORT}{wildcard} behind the colon"
    if connect and address.startswith("tcp://*:"):  # ZeroMQ would fail at each attempt to connect
        return "expected the daemon's own host, as * is only to bind"
    return None


def _has_port(address: str, connect: bool) -> bool:
    """Return whether the port is valid; ZeroMQ would take 99999 for 34463, and -1 for any port."""
    host, _, port = address.rpartition(":")
    if not connect and port in {"*", "0"}:
        return bool(host)
    return bool(host and _PORT.fullmatch(port)) and int(port) <= _MAX_PORT
