"""Send packets to a UDP server in bursts, and notice when its host reports that nobody listens."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from contextlib import suppress

from twisted.internet.task import deferLater

from zibrato.backends.server_address import ServerAddress
from zibrato.interfaces import Reactor, RetryLater
from zibrato.threads import in_own_thread

__all__ = ["BURST", "Datagrams"]

BURST = 8
"""Packets of a burst: a server's socket has room for a few dozen."""
PAUSE = 0.005
"""Seconds after a burst, and while the socket accepts no more."""
FIRST_PAUSE = 0.05
"""Seconds after the first burst, which is one packet, for a refusal to arrive."""
Place = tuple[int, tuple[object, ...]]


class Datagrams:
    """Sends to a server, whose name is resolved for each delivery."""

    def __init__(self, address: ServerAddress, reactor: Reactor) -> None:
        self._address = address
        self._reactor = reactor
        self._socket: socket.socket | None = None
        self._is_first = True

    async def open(self) -> None:
        """Resolve the server's name and open a socket; raises RetryLater on failure."""
        try:
            family, place = await self._place()
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
            self._socket.setblocking(False)
            # Only a connected socket receives the error that nobody listens (ICMP).
            self._socket.connect(place)
        except OSError as error:
            self.close()
            raise self._later(error) from None
        self._is_first = True

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @property
    def burst(self) -> int:
        """How many packets to send next."""
        return 1 if self._is_first else BURST

    async def send(self, packets: Sequence[bytes]) -> tuple[int, RetryLater | None]:
        """Return how many packets were sent and not refused, and why not all of them were."""
        for position, packet in enumerate(packets):
            try:
                await self._send(packet)
            except OSError as error:  # it is about the previous packet
                return max(0, position - 1), self._later(error)
        await deferLater(self._reactor, FIRST_PAUSE if self._is_first else PAUSE)
        self._is_first = False
        code = self._opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            # A refusal of an earlier packet would have been reported when the next one was sent.
            return len(packets) - 1, self._later(OSError(code, os.strerror(code)))
        return len(packets), None

    async def _send(self, packet: bytes) -> None:
        while True:
            with suppress(BlockingIOError):
                self._opened.send(packet)
                return
            await deferLater(self._reactor, PAUSE)

    @property
    def _opened(self) -> socket.socket:
        if self._socket is None:
            raise OSError("it is closed")
        return self._socket

    async def _place(self) -> Place:
        """Return the family and the address of the server's socket."""
        host, port = self._address
        with suppress(socket.gaierror):
            return _first(host, port, socket.AI_NUMERICHOST)
        return await in_own_thread(self._reactor, lambda: _first(host, port, 0))

    def _later(self, error: OSError) -> RetryLater:
        return RetryLater(f"{self._address}: {error.strerror or error}")


def _first(host: str, port: int, flags: int) -> Place:
    """Return an address of a name, IPv4 if there is any: few servers listen only on IPv6."""
    places = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=flags)
    family, _, _, _, place = min(places, key=lambda one: one[0] != socket.AF_INET)
    return family, place
