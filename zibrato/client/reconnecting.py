"""Connects a socket again if ZeroMQ has given up.

ZeroMQ itself retries everything but a handshake that fails for the protocol: after one with a
daemon that requires keys when the client has none, or the other way round, or with another program
that had the port for a moment, it never connects again.
"""

from __future__ import annotations

from contextlib import suppress
from uuid import uuid4

import zmq

from zibrato.endpoint import Endpoint


class Reconnecting:
    """Watches the connections of `socket` to `endpoint`; to be made before it connects.

    Raises zmq.ZMQError.
    """

    def __init__(self, socket: zmq.Socket[bytes], endpoint: Endpoint) -> None:
        self._socket = socket
        self._endpoint = endpoint
        self._events: zmq.Socket[bytes] | None = None
        if endpoint.connect and endpoint.address.startswith("tcp:"):
            address = f"inproc://zibrato-{uuid4().hex}"
            socket.monitor(address, zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
            self._events = socket.context.socket(zmq.PAIR)
            self._events.set(zmq.LINGER, 0)
            self._events.connect(address)

    def revive(self) -> bool:
        """Connect again if ZeroMQ has given up; return whether it had.

        Then whatever the socket had queued is lost. Raises zmq.ZMQError.
        """
        if self._events is None or not _has_failed(self._events):
            return False
        with suppress(zmq.ZMQError):  # forget the old connection, if it isn't forgotten
            self._socket.disconnect(self._endpoint.address)
        self._endpoint.attach(self._socket)
        return True

    def close(self) -> None:
        """Stop watching; to be called before the socket is closed."""
        if self._events is not None:
            with suppress(zmq.ZMQError):
                self._socket.disable_monitor()
            self._events.close()


def _has_failed(events: zmq.Socket[bytes]) -> bool:
    """Read all events; return whether there were any."""
    has_failed = False
    with suppress(zmq.Again):
        while True:
            events.recv_multipart(zmq.NOBLOCK)
            has_failed = True
    return has_failed


class ReconnectingSocket:
    """A socket of a client that connects again if ZeroMQ has given up."""

    def __init__(self, socket: zmq.Socket[bytes], connection: Reconnecting) -> None:
        self.socket = socket
        self._connection = connection

    def send(self, frame: bytes, flags: int) -> object:
        """Send a frame."""
        return self.socket.send(frame, flags)

    def poll(self, timeout: int, flags: int) -> int:
        """Wait for so many milliseconds; return which of the events `flags` there are."""
        return self.socket.poll(timeout, flags)

    def revive(self) -> bool:
        """Connect again if ZeroMQ has given up; return whether it had. Raises zmq.ZMQError."""
        return self._connection.revive()

    def close(self, linger: int) -> None:
        """Close the socket; ZeroMQ goes on sending for `linger` milliseconds at most."""
        self._connection.close()
        self.socket.close(linger)
