"""Where a client and a daemon meet: a ZeroMQ address, and which side this one is."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from ipaddress import ip_address
from typing import NamedTuple

import zmq

__all__ = ["DEFAULT_SOCKET", "Endpoint", "LineAddress"]

LOOPBACK = "127.0.0.1"
DEFAULT_SOCKET = "tcp://127.0.0.1:5550"
_TRANSPORTS = ("ipc", "tcp", "inproc")
_MAX_PORT = 65_535
_PORT = re.compile("[1-9][0-9]{0,4}")
_LINE_PORT = re.compile("[0-9]{1,5}", re.A)
_EXPECTED = "expected ipc://PATH, tcp://HOST:PORT or inproc://NAME"


class Endpoint(NamedTuple):
    """A ZeroMQ address to bind, or to connect to: a daemon mostly binds, a client connects."""

    address: str
    connect: bool = False

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Return the endpoint of a daemon's `--socket`, which may start with `connect:`.

        Raises ValueError with one line for people.
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
        """Return the endpoint of a client's `what`; raises ValueError, one line for people."""
        if expected := _expected(address, not bind):
            raise ValueError(f"{what}: {expected}, got {address!r}")
        return cls(address, connect=not bind)

    @property
    def inproc(self) -> bool:
        """Whether it is reached through the process's shared context alone."""
        return self.address.startswith("inproc:")

    @property
    def remote(self) -> bool:
        """Whether other hosts may be at the other end, as far as the address tells."""
        if not self.address.startswith("tcp://"):
            return False
        # In front of a semicolon is the address that a connection comes from.
        host = self.address[len("tcp://") :].rpartition(":")[0].rpartition(";")[2].strip("[]")
        try:
            return host != "localhost" and not ip_address(host).is_loopback
        except ValueError:  # a wildcard, or the name of an interface or a host
            return True

    @property
    def path(self) -> str | None:
        """The file that it has where it is bound, if any."""
        path = self.address.removeprefix("ipc://")
        is_file = path != self.address and not path.startswith("@")
        return path if is_file and not self.connect else None

    def way_back(self) -> Endpoint | None:
        """Return where acknowledgements come from, `.ack` or the next port, if there is one."""
        if not self.address.startswith("tcp:"):
            return self._replace(address=f"{self.address}.ack")
        host, _, port = self.address.rpartition(":")
        if not _PORT.fullmatch(port) or int(port) >= _MAX_PORT:
            return None
        return self._replace(address=f"{host}:{int(port) + 1}")

    def attach(self, socket: zmq.Socket[bytes]) -> None:
        """Bind or connect `socket`, whose other options are set by then; raises zmq.ZMQError."""
        # Only an address in brackets asks for IPv6; the others mean what they mean without it.
        socket.set(zmq.IPV6, "[" in self.address)
        (socket.connect if self.connect else socket.bind)(self.address)


class LineAddress(NamedTuple):
    """An address for lines to come to: a port of a host, or a file where there is a `path`."""

    transport: str
    host: str = ""
    port: int = 0
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> LineAddress:
        """Return the address of a daemon's `--statsd`; raises ValueError, one line for people."""
        transport, _, rest = text.partition(":")
        if transport in {"unix", "unixgram"} and rest:
            return cls(transport, path=rest)
        host, colon, port = rest.rpartition(":")
        number = int(port) if _LINE_PORT.fullmatch(port) else _MAX_PORT + 1
        if transport in {"udp", "tcp"} and number <= _MAX_PORT:
            with suppress(ValueError):
                address = ip_address(host.strip("[]") if colon else LOOPBACK)
                return cls(transport, str(address), number)
        raise ValueError(
            "expected udp:PORT, tcp:PORT, unix:PATH or unixgram:PATH, with the IP address of an "
            f"interface before the port to be reached beyond loopback, got {text!r}"
        )

    @property
    def family(self) -> int:
        """The family of its sockets."""
        if self.path:
            return socket.AF_UNIX
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    @property
    def kind(self) -> socket.SocketKind:
        """The kind of its sockets."""
        return socket.SOCK_STREAM if self.transport in {"tcp", "unix"} else socket.SOCK_DGRAM

    def bound_to(self, bound: socket.socket) -> LineAddress:
        """Return the address of a socket that is bound to this one: port 0 is any that is free."""
        return self if self.path else self._replace(port=bound.getsockname()[1])

    def __str__(self) -> str:
        if self.path:
            return f"{self.transport}:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport}:{host}:{self.port}"


def _expected(address: str, connect: bool) -> str | None:
    """Return what was expected instead of `address`, None where it is one."""
    transport, separator, rest = address.partition("://")
    if not (separator and rest) or transport not in _TRANSPORTS or not address.isprintable():
        return _EXPECTED
    if transport == "tcp" and not _has_port(rest, connect):
        wildcard = "" if connect else ", or * for any that is free,"
        return f"{_EXPECTED} with a port from 1 to {_MAX_PORT}{wildcard} behind the colon"
    return None


def _has_port(address: str, connect: bool) -> bool:
    """Whether ZeroMQ takes the port for what it says: it makes 34463 of 99999, and -1 is any."""
    host, _, port = address.rpartition(":")
    if not connect and port in {"*", "0"}:
        return bool(host)
    return bool(host and _PORT.fullmatch(port)) and int(port) <= _MAX_PORT
