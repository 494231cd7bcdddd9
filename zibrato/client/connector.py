"""How a client opens its socket: to which endpoint, with which bounds, in whose context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import zmq

from zibrato.client import resource_check
from zibrato.curve import ClientKeys
from zibrato.endpoint import Endpoint

HIGH_WATER = 1
"""Batches that ZeroMQ queues. It never says what of them it has sent, but that it has room again:
of one alone, that is the same. So the rest waits where it is counted."""
RECONNECT = (20, 1000)
"""Milliseconds between attempts to connect: of the first ones, and of all after a while."""
MAX_UNREAD = 1000
"""Acknowledgements that wait to be read: a later one says all that an earlier one does."""
MAX_ACKNOWLEDGEMENT = 4096

Context = zmq.Context[zmq.Socket[bytes]]


class PushSocket(Protocol):
    """What a client uses of a PUSH socket, or of a txZMQ connection that has one."""

    def send(self, frame: bytes, flags: int, /) -> object: ...
    def poll(self, timeout: int, flags: int, /) -> int: ...
    def close(self, linger: int) -> None: ...


Opened = tuple[Context, PushSocket]


@dataclass(frozen=True)
class Connector:
    """Opens sockets to one endpoint, in a `context` of the host's or in one of their own.

    The `keys` are for tcp: what goes over ipc and inproc stays on the host, whose daemon asks for
    none there.
    """

    endpoint: Endpoint
    context: Context | None = None
    keys: ClientKeys | None = None
    way_back: Endpoint | None = None
    """Where acknowledgements come from; None where none are wanted."""

    @property
    def owns_context(self) -> bool:
        """Whether the context of a socket is the client's to end."""
        return self.context is None and not self.endpoint.inproc

    @property
    def daemon(self) -> str:
        """Which daemon it takes, in words."""
        address = f"a daemon at {self.endpoint.address}"
        if self.way_back is not None:
            address += f" with acknowledgements at {self.way_back.address}"
        if not self.endpoint.address.startswith("tcp:"):
            return address
        if self.keys is not None:
            return f"{address} that knows this client's key"
        return f"{address} that asks for no keys" if self.endpoint.remote else address

    def open(self) -> Opened:
        """Return a context and a PUSH socket in it; raises zmq.ZMQError."""
        resource_check.check_resources()
        context = self.context
        if context is None:
            context = zmq.Context.instance() if self.endpoint.inproc else zmq.Context()
        try:
            socket = context.socket(zmq.PUSH)
            try:
                self.attach(socket)
            except zmq.ZMQError:
                socket.close()  # first, since ending a context waits for every socket in it
                raise
        except zmq.ZMQError:
            if self.owns_context:
                context.term()
            raise
        return context, socket

    def subscribe(self, context: Context, client: str) -> zmq.Socket[bytes]:
        """Return a socket that gets what the daemon tells `client`; raises zmq.ZMQError."""
        socket = context.socket(zmq.SUB)
        try:
            socket.set(zmq.SUBSCRIBE, client.encode())
            socket.set(zmq.RCVHWM, MAX_UNREAD)
            socket.set(zmq.MAXMSGSIZE, MAX_ACKNOWLEDGEMENT)
            self._attach(socket, self.way_back or self.endpoint)
        except zmq.ZMQError:
            socket.close()
            raise
        return socket

    def attach(self, socket: zmq.Socket[bytes]) -> None:
        """Bound what `socket` queues, and connect or bind it; raises zmq.ZMQError."""
        socket.set(zmq.SNDHWM, HIGH_WATER)
        self._attach(socket, self.endpoint)

    def _attach(self, socket: zmq.Socket[bytes], endpoint: Endpoint) -> None:
        # By default the end of a context waits for ever; `close` sets what the client was given.
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.RECONNECT_IVL, RECONNECT[0])
        socket.set(zmq.RECONNECT_IVL_MAX, RECONNECT[1])
        if self.keys is not None and endpoint.address.startswith("tcp:"):
            self.keys.apply(socket)
        endpoint.attach(socket)
