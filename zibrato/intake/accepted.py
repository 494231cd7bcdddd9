"""The connections that peers have made to addresses of this process, as the kernel knows them.

ZeroMQ has no way to part with a peer but to cut the connection, with all that the kernel holds of
it. Linux alone tells of what is open; elsewhere there seems to be none.
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
_SO_ATTACH_FILTER = 26  # of Linux, which Python has no name for
_DROP = array.array("B", struct.pack("=HBBI", 6, 0, 0, 0))  # "return 0", as a socket filter
_ANY_HOST = {"0.0.0.0", "::"}  # noqa: S104 - what was bound is compared, nothing is bound here


class Peers(NamedTuple):
    """Those who are connected: how many bytes of them wait here, and which connections they are.

    Whoever is in the queue of a listening socket is one of whom a byte waits.
    """

    unread: int
    connections: frozenset[int]


def turn_away(addresses: Collection[str]) -> None:
    """Let nobody new connect to the tcp ones of `addresses`; who has connected is let be.

    What a peer sends to connect is dropped: it tries again after a second, when nobody listens or
    the next daemon does. Shutting what listens would make ZeroMQ abort the process.
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
    """Send no more to those who are connected to `addresses`; return who they are.

    A peer's ZeroMQ takes that for the end of the connection. It ends it on its side, where it is
    between two writes: all that it wrote arrives, and what it has yet to write it keeps. Where
    over `max_unread` bytes of it wait here, it may be in the middle of one: it is left for now.
    """
    if not addresses or not os.path.isdir(_DESCRIPTORS):
        return Peers(0, frozenset())
    waiting, connections = 0, set()
    for connection in _sockets(addresses):
        with closing(connection), suppress(OSError):  # such as of one that has gone meanwhile
            if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                waiting += _is_readable(connection)
                continue
            connections.add(os.fstat(connection.fileno()).st_ino)
            unread = _unread(connection)
            waiting += unread
            if unread <= max_unread:
                connection.shutdown(socket.SHUT_WR)
    return Peers(waiting, frozenset(connections))


def _is_readable(connection: socket.socket) -> bool:
    poll = select.poll()  # which knows descriptors past 1,023 as well
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


def _unread(connection: socket.socket) -> int:
    """Return how many bytes the kernel holds of what came over `connection`."""
    length = array.array("i", [0])
    fcntl.ioctl(connection, termios.FIONREAD, length)
    return length[0]


def _sockets(addresses: Collection[str]) -> Iterator[socket.socket]:
    """Yield a duplicate of each connection and of what listens, for the caller to close."""
    for descriptor in _descriptors():
        try:
            connection = socket.socket(fileno=os.dup(descriptor))
        except OSError:  # ZeroMQ's thread closes and opens descriptors meanwhile
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
    """Return whether a socket listens at one of `addresses`, as ZeroMQ writes them, or was made by
    who does."""
    try:
        return any(name in addresses for name in _names(connection))
    except OSError:
        return False


def _names(connection: socket.socket) -> Iterator[str]:
    """Yield what ZeroMQ may call the address that a connection was made to."""
    local = connection.getsockname()
    if connection.family == socket.AF_UNIX:
        name = os.fsdecode(local)
        yield "ipc://" + (f"@{name[1:]}" if name.startswith("\0") else name)
    elif connection.family in {socket.AF_INET, socket.AF_INET6}:
        for host in (local[0], *_ANY_HOST):
            yield f"tcp://[{host}]:{local[1]}" if ":" in host else f"tcp://{host}:{local[1]}"
