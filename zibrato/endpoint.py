"""Where a client and a daemon meet: a ZeroMQ address, and which side this one is."""

from __future__ import annotations

from typing import NamedTuple

import zmq

__all__ = ["DEFAULT_SOCKET", "Endpoint"]

DEFAULT_SOCKET = "tcp://127.0.0.1:5550"
_TRANSPORTS = ("ipc", "tcp", "inproc")
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
        if not _is_address(address):
            raise ValueError(
                f"{_EXPECTED}, with connect: before it to connect instead of to bind, got {text!r}"
            )
        return cls(address, connect=address != text)

    @classmethod
    def of_client(cls, address: str, *, bind: bool = False) -> Endpoint:
        """Return the endpoint of a client's `socket`; raises ValueError, one line for people."""
        if not _is_address(address):
            raise ValueError(f"socket: {_EXPECTED}, got {address!r}")
        return cls(address, connect=not bind)

    @property
    def inproc(self) -> bool:
        """Whether it is reached through the process's shared context alone."""
        return self.address.startswith("inproc:")

    def attach(self, socket: zmq.Socket[bytes]) -> None:
        """Bind or connect `socket`, whose other options are set by then; raises zmq.ZMQError."""
        # Only an address in brackets asks for IPv6; the others mean what they mean without it.
        socket.set(zmq.IPV6, "[" in self.address)
        (socket.connect if self.connect else socket.bind)(self.address)


def _is_address(text: str) -> bool:
    transport, separator, rest = text.partition("://")
    return bool(separator and rest) and transport in _TRANSPORTS
