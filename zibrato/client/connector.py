"""How a client opens its socket: the endpoint, the bounds, and the context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import zmq

from zibrato.client import resource_check
from zibrato.client.reconnecting import Reconnecting, ReconnectingSocket
from zibrato.curve import ClientKeys
from zibrato.endpoint import Endpoint

HIGH_WATER = 1
"""How many batches ZeroMQ queues.

It never reports what it has sent, but only that there is room again. With a queue of one, both mean
the same. All other batches wait where they are counted.
"""
RECONNECT = (20, 1000)
"""Milliseconds between attempts to connect: at first, and at most."""
MAX_UNREAD = 1000
"""How many unread acknowledgements are kept: a later one includes all earlier ones."""
MAX_ACKNOWLEDGEMENT = 4096

DOMAIN = b"zibrato"
"""A domain of authentication: with any, ZeroMQ refuses the first version of its protocol."""

Context = zmq.Context[zmq.Socket[bytes]]


class PushSocket(Protocol):
    """The part of a PUSH socket, or of a txZMQ connection with one, that a client uses."""

    def send(self, frame: bytes, flags: int, /) -> object: ...
    def poll(self, timeout: int, flags: int, /) -> int: ...
    def revive(self) -> bool: ...
    def close(self, linger: int) -> None: ...


Opened = tuple[Context, PushSocket]


@dataclass(frozen=True)
class Connector:
    """Opens sockets to one endpoint, in the host's `context` or in a context for each.

    `keys` are used for tcp: traffic over ipc and inproc stays on the host, and its daemon asks for
    no keys there.
    """

    endpoint: Endpoint
    context: Context | None = None
    keys: ClientKeys | None = None
    way_back: Endpoint | None = None
    """The endpoint of acknowledgements, or None if none are wanted."""

    @property
    def owns_context(self) -> bool:
        """Whether the client has to terminate a socket's context."""
        return self.context is None and not self.endpoint.inproc

    @property
    def daemon(self) -> str:
        """A description of the daemon that the client looks for."""
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
                connection = self.attach(socket)
            except zmq.ZMQError:
                socket.close()  # first: terminating a context waits for all its sockets
                raise
        except zmq.ZMQError:
            if self.owns_context:
                context.term()
            raise
        return context, ReconnectingSocket(socket, connection)

    def subscribe(self, context: Context, client: str) -> ReconnectingSocket:
        """Return a socket that receives the daemon's messages to `client`; raises zmq.ZMQError."""
        socket = context.socket(zmq.SUB)
        try:
            socket.set(zmq.SUBSCRIBE, client.encode())
            socket.set(zmq.RCVHWM, MAX_UNREAD)
            socket.set(zmq.MAXMSGSIZE, MAX_ACKNOWLEDGEMENT)
            connection = self._attach(socket, self.way_back or self.endpoint)
        except zmq.ZMQError:
            socket.close()
            raise
        return ReconnectingSocket(socket, connection)

    def attach(self, socket: zmq.Socket[bytes]) -> Reconnecting:
        """Set the bounds of `socket`, and connect or bind it; raises zmq.ZMQError."""
        socket.set(zmq.SNDHWM, HIGH_WATER)
        return self._attach(socket, self.endpoint)

    def _attach(self, socket: zmq.Socket[bytes], endpoint: Endpoint) -> Reconnecting:
        # By default, terminating a context waits for ever; `close` sets the client's linger.
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.RECONNECT_IVL, RECONNECT[0])
        socket.set(zmq.RECONNECT_IVL_MAX, RECONNECT[1])
        if endpoint.address.startswith("tcp:"):
            if self.keys is not None:
                self.keys.apply(socket)
            if self.owns_context:  # in the host's, something may authenticate peers by domains
                # Else whatever isn't ZeroMQ's protocol, such as an HTTP server's response, is taken
                # for its first version, and all that is sent there is lost without notice.
                socket.set(zmq.ZAP_DOMAIN, DOMAIN)
        connection = Reconnecting(socket, endpoint)
        try:
            endpoint.attach(socket)
        except zmq.ZMQError:
            connection.close()
            raise
        return connection
