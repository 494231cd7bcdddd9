"""Ends connections that peers have made to this process, gracefully or not, by kernel sockets.

ZeroMQ itself can only cut a connection, and then loses what the kernel holds of it. Open sockets
can be listed only on Linux; elsewhere the functions here find no connections.
"""

from __future__ import annotations

import array
import fcntl
import os
import select
import socket
import stat
import struct
import termios
from collections.abc import Collection, Iterator
from contextlib import closing, suppress
from typing import NamedTuple

_DESCRIPTORS = "/proc/self/fd"
_SO_ATTACH_FILTER = 26  # of Linux; Python's socket module doesn't have it
_DROP = array.array("B", struct.pack("=HBBI", 6, 0, 0, 0))  # "return 0", as a socket filter
_ANY_HOST = {"0.0.0.0", "::"}  # noqa: S104 - only compared with bound addresses, never bound


NOBODY = -1
"""As the `max_unread` of `hang_up`: end no connection, only return the peers."""


class Peers(NamedTuple):
    """The connected peers: how many bytes of them wait unread, and the inodes of their sockets.

    A non-empty queue of a listening socket counts as one unread byte.
    """

    unread: int
    connections: frozenset[int]


def turn_away(addresses: Collection[str]) -> None:
    """Let no new peer connect to those of `addresses` that are TCP; keep existing connections.

    A socket filter drops the packets of new peers. They try again after a second, when the next
    daemon may listen. To shut the listening sockets down would make ZeroMQ abort the process.
    """
    if not os.path.isdir(_DESCRIPTORS):
        return
    program = struct.pack("HP", 1, _DROP.buffer_info()[0])
    for connection in _sockets(addresses):
        with closing(connection), suppress(OSError):
            if connection.family != socket.AF_UNIX and connection.getsockopt(
                socket.SOL_SOCKET, socket.SO_ACCEPTCONN
            ):
                connection.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def hang_up(addresses: Collection[str], max_unread: int) -> Peers:
    """Shut down the sending side of connections to `addresses`; return the connected peers.

    A peer's ZeroMQ then ends the connection between two of its writes: everything that it has
    written arrives, and it keeps the rest. If more than `max_unread` bytes of a peer wait here, the
    peer may be in the middle of a write, so its connection isn't shut down now.
    """
    if not addresses or not os.path.isdir(_DESCRIPTORS):
        return Peers(0, frozenset())
    waiting, connections = 0, set()
    for connection in _sockets(addresses):
        with closing(connection), suppress(OSError):  # the connection may have ended meanwhile
            if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                waiting += _is_readable(connection)
                continue
            connections.add(os.fstat(connection.fileno()).st_ino)
            unread = _unread(connection)
            waiting += unread
            if unread <= max_unread:
                connection.shutdown(socket.SHUT_WR)
    return Peers(waiting, frozenset(connections))


def cut_off(addresses: Collection[str]) -> None:
    """End all connections to `addresses` at once; what the kernel holds of them is lost.

    It is safe in any thread.
    """
    if not os.path.isdir(_DESCRIPTORS):
        return
    for connection in _sockets(addresses):
        with closing(connection), suppress(OSError):
            if not connection.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                connection.shutdown(socket.SHUT_RDWR)


def _is_readable(connection: socket.socket) -> bool:
    poll = select.poll()  # unlike select, it can handle descriptors above 1,023
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


def _unread(connection: socket.socket) -> int:
    """Return how many bytes of `connection` the kernel holds unread."""
    length = array.array("i", [0])
    fcntl.ioctl(connection, termios.FIONREAD, length)
    return length[0]


def _sockets(addresses: Collection[str]) -> Iterator[socket.socket]:
    """Yield a duplicate of each connection and listening socket; the caller closes it."""
    for descriptor in _descriptors():
        try:
            connection = socket.socket(fileno=os.dup(descriptor))
        except OSError:  # ZeroMQ's threads close and open descriptors meanwhile
            continue
        if _is_at(connection, addresses):
            yield connection
        else:
            connection.close()


def _descriptors() -> Iterator[int]:
    for name in os.listdir(_DESCRIPTORS):
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                yield int(name)


def _is_at(connection: socket.socket, addresses: Collection[str]) -> bool:
    """Return whether a socket listens at one of `addresses`, or was accepted at one.

    The addresses are written as ZeroMQ writes them.
    """
    try:
        return any(name in addresses for name in _names(connection))
    except OSError:
        return False


def _names(connection: socket.socket) -> Iterator[str]:
    """Yield the names that ZeroMQ may have for the local address of a socket."""
    local = connection.getsockname()
    if connection.family == socket.AF_UNIX:
        name = os.fsdecode(local)
        yield "ipc://" + (f"@{name[1:]}" if name.startswith("\0") else name)
    elif connection.family in {socket.AF_INET, socket.AF_INET6}:
        for host in (local[0], *_ANY_HOST):
            yield f"tcp://[{host}]:{local[1]}" if ":" in host else f"tcp://{host}:{local[1]}"
