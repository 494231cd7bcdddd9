"""The two sockets to a hub: one sends frames, the other receives acknowledgements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import zmq

from zibrato.curve import ClientKeys
from zibrato.endpoint import Endpoint
from zibrato.wire import Acknowledgement, decode_acknowledgement

__all__ = ["Link"]

HIGH_WATER = 4
"""Frames that ZeroMQ queues. Lost frames are sent again, so this only limits memory."""
RECONNECT = (100, 2000)
"""Milliseconds between attempts to connect: at first, and at most."""
MAX_ACKNOWLEDGEMENT = 4096
"""Bytes; ZeroMQ disconnects a hub that sends more."""
MAX_UNREAD = 1000
"""How many unread acknowledgements are kept: a later one includes all earlier ones."""
_AT_ONCE = 100
"""Messages that are read in one turn of the reactor."""


class Link:
    """The connection to a hub, opened on first use and again after `close`; nothing here waits.

    All methods except `close` raise zmq.ZMQError. With `keys`, traffic over tcp is encrypted.
    """

    def __init__(self, endpoint: Endpoint, way_back: Endpoint, keys: ClientKeys | None) -> None:
        self._endpoint = endpoint
        self._way_back = way_back
        self._keys = keys
        self._sockets: tuple[zmq.Socket[bytes], zmq.Socket[bytes]] | None = None
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._client = ""

    def send(self, frame: bytes) -> bool:
        """Send a frame; return whether ZeroMQ accepted it."""
        push, _ = self._opened()
        try:
            push.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def acknowledgements(self, client: str) -> Iterator[Acknowledgement]:
        """Generate the hub's messages to a client; from then on no others are received."""
        _, sub = self._opened()
        subscribed = client.encode()
        if client != self._client:
            if self._client:
                sub.set(zmq.UNSUBSCRIBE, self._client.encode())
            sub.set(zmq.SUBSCRIBE, subscribed)
            self._client = client
        for _ in range(_AT_ONCE):
            try:
                topic, *frames = sub.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            message = decode_acknowledgement(frames[0]) if len(frames) == 1 else None
            # A subscription matches every topic that begins with it.
            if topic == subscribed and message is not None:
                yield message

    def close(self) -> None:
        """Close the sockets at once, and drop what they hold."""
        sockets, self._sockets, self._client = self._sockets, None, ""
        for socket in sockets or ():
            socket.close(linger=0)
        context, self._context = self._context, None
        if context is not None and not self._endpoint.inproc:
            with suppress(zmq.ZMQError):
                context.term()

    def _opened(self) -> tuple[zmq.Socket[bytes], zmq.Socket[bytes]]:
        if self._sockets is None:
            # inproc works within one context. Any other link has a context of its own, so that
            # `close` can end its threads.
            self._context = zmq.Context.instance() if self._endpoint.inproc else zmq.Context()
            push, sub = self._context.socket(zmq.PUSH), self._context.socket(zmq.SUB)
            self._sockets = push, sub
            push.set(zmq.SNDHWM, HIGH_WATER)
            sub.set(zmq.RCVHWM, MAX_UNREAD)
            sub.set(zmq.MAXMSGSIZE, MAX_ACKNOWLEDGEMENT)
            try:
                self._attach(push, self._endpoint)
                self._attach(sub, self._way_back)
            except zmq.ZMQError:
                self.close()
                raise
        return self._sockets

    def _attach(self, socket: zmq.Socket[bytes], endpoint: Endpoint) -> None:
        # What isn't acknowledged is sent again anyway, so waiting for it would only delay a stop.
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.RECONNECT_IVL, RECONNECT[0])
        socket.set(zmq.RECONNECT_IVL_MAX, RECONNECT[1])
        if self._keys is not None and endpoint.address.startswith("tcp:"):
            self._keys.apply(socket)
        endpoint.attach(socket)
