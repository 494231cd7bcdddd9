"""Connects a socket again if ZeroMQ has given up.

ZeroMQ itself retries everything but a handshake that fails for the protocol: after one with a
daemon that requires keys when the client has none, or the other way round, or with another program
that had the port for a moment, it never connects again. Of another program that doesn't speak
ZeroMQ's protocol at all, it says only that the connection has ended.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from uuid import uuid4

import zmq

from zibrato.endpoint import Endpoint

_WATCHED = (
    zmq.EVENT_CONNECTED
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
)
_EVENT = struct.Struct("=H")


class Reconnecting:
    """Watches the connections of `socket` to `endpoint`; to be made before it connects.

    Raises zmq.ZMQError.
    """

    def __init__(self, socket: zmq.Socket[bytes], endpoint: Endpoint) -> None:
        self._socket = socket
        self._endpoint = endpoint
        self._events: zmq.Socket[bytes] | None = None
        self._has_failed = False
        self._is_new = False
        """Whether nothing is known yet of the connection's handshake."""
        if endpoint.connect and endpoint.address.startswith("tcp:"):
            address = f"inproc://zibrato-{uuid4().hex}"
            socket.monitor(address, _WATCHED)
            self._events = socket.context.socket(zmq.PAIR)
            self._events.set(zmq.LINGER, 0)
            self._events.set(zmq.RCVHWM, 0)  # ZeroMQ's thread would wait for us to read
            self._events.connect(address)

    def revive(self) -> bool:
        """Connect again if ZeroMQ has given up; return whether it had.

        Then whatever the socket had queued is lost. Raises zmq.ZMQError.
        """
        self._read_events()
        if not self._has_failed:
            return False
        self._has_failed = False
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

    def _read_events(self) -> None:
        """Note whether ZeroMQ has given up: then no other connection follows."""
        with suppress(zmq.Again):
            while self._events is not None:
                (event,) = _EVENT.unpack_from(self._events.recv_multipart(zmq.NOBLOCK)[0])
                if event == zmq.EVENT_CONNECTED:
                    self._has_failed = False
                elif event == zmq.EVENT_DISCONNECTED:
                    self._has_failed |= self._is_new
                else:
                    self._has_failed = event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
                self._is_new = event == zmq.EVENT_CONNECTED


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
