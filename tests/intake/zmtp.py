"""A PUSH socket's end of ZMTP 3, without ZeroMQ: it writes when a test says so."""

from __future__ import annotations

import array
import fcntl
import socket
import termios

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\0" + b"NULL".ljust(20, b"\0") + bytes(32)
READY = b"\5READY\x0bSocket-Type\0\0\0\4PUSH"


def push_to(path: str) -> socket.socket:
    """Return a connection to the socket at `path`, over which frames can be sent."""
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(30)
    peer.connect(path)
    peer.sendall(GREETING + bytes((4, len(READY))) + READY)
    answer = b""
    while b"READY" not in answer:
        answer += peer.recv(1000)
    return peer


def frame(content: bytes) -> bytes:
    """Return a short frame as it is written."""
    return bytes((0, len(content))) + content


def is_read(peer: socket.socket) -> bool:
    """Return whether the other side has read all that was written."""
    unread = array.array("i", [0])
    fcntl.ioctl(peer, termios.TIOCOUTQ, unread)
    return not unread[0]
