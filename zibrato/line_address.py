"""Private: addresses at which the daemon receives statsd lines: ports and Unix sockets."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from ipaddress import ip_address
from typing import NamedTuple

__all__ = ["LineAddress"]

LOOPBACK = "127.0.0.1"
_MAX_PORT = 65_535
_PORT = re.compile("[0-9]{1,5}", re.A)


class LineAddress(NamedTuple):
    """An address at which lines are received: a port of a host, or a Unix socket at `path`."""

    transport: str
    host: str = ""
    port: int = 0
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> LineAddress:
        """Parse a daemon's `--statsd`; raises ValueError, with one line for people."""
        transport, _, rest = text.partition(":")
        if transport in {"unix", "unixgram"} and rest:
            return cls(transport, path=rest)
        host, colon, port = rest.rpartition(":")
        number = int(port) if _PORT.fullmatch(port) else _MAX_PORT + 1
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
        """The address family of a socket for it."""
        if self.path:
            return socket.AF_UNIX
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    @property
    def kind(self) -> socket.SocketKind:
        """The type of a socket for it: stream or datagram."""
        return socket.SOCK_STREAM if self.transport in {"tcp", "unix"} else socket.SOCK_DGRAM

    def bound_to(self, bound: socket.socket) -> LineAddress:
        """Return the address with the real port of `bound`, since port 0 means any free port."""
        return self if self.path else self._replace(port=bound.getsockname()[1])

    def __str__(self) -> str:
        if self.path:
            return f"{self.transport}:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport}:{host}:{self.port}"
