"""A peer's end of ZMTP 3, without ZeroMQ: it writes when a test says so."""

from __future__ import annotations

import array
import fcntl
import socket
import termios

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\0" + b"NULL".ljust(20, b"\0") + bytes(32)


def ready(kind: bytes = b"PUSH") -> bytes:
    """Return the command that ends the handshake of a socket of this kind."""
    command = b"\5READY\x0bSocket-Type" + len(kind).to_bytes(4, "big") + kind
    return bytes((4, len(command))) + command


def connected(path: str, kind: bytes = b"PUSH") -> socket.socket:
    """Return a connection to the socket at `path`, over which frames can be sent."""
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(30)
    peer.connect(path)
    peer.sendall(GREETING + ready(kind))
    answer = b""
    while b"READY" not in answer:
        answer += peer.recv(1000)
    return peer


def frame(content: bytes) -> bytes:
    """Return a frame as it is written."""
    if len(content) > 255:
        return b"\2" + len(content).to_bytes(8, "big") + content
    return bytes((0, len(content))) + content


def is_read(peer: socket.socket) -> bool:
    """Return whether the other side has read all that was written."""
    unread = array.array("i", [0])
    fcntl.ioctl(peer, termios.TIOCOUTQ, unread)
    return not unread[0]
