"""Sockets for statsd lines, bound to addresses of any kind."""

from __future__ import annotations

import errno
import os
import socket
import stat
from contextlib import suppress

from zibrato.files.file_lock import FileLock
from zibrato.intake.claims import socket_mode
from zibrato.line_address import LineAddress

BUFFER = 8 * 1024 * 1024
"""Bytes of datagrams that the kernel is asked to buffer; it may grant fewer."""
BACKLOG = 128
_FORCE = 33
"""SO_RCVBUFFORCE, which Python doesn't define: with CAP_NET_ADMIN it exceeds the kernel's limit."""


class BoundSocket:
    """A non-blocking socket bound to `address`; raises OSError if the address is unavailable.

    A socket's file that an ended process has left behind is replaced. A new file gets the
    permissions `mode`.
    """

    def __init__(self, address: LineAddress, mode: int) -> None:
        self.is_stream = address.kind == socket.SOCK_STREAM
        self._address = address
        self._lock: FileLock | None = None
        self.socket = socket.socket(address.family, address.kind)
        try:
            self._bind(mode)
        except BaseException:
            self.socket.close()
            self._unlock()
            raise
        self.socket.setblocking(False)
        self.name = str(address.bound_to(self.socket))

    @property
    def is_gone(self) -> bool:
        """Whether somebody has removed the socket's file, so that nobody can connect any more."""
        return self._lock is not None and not os.path.lexists(self._address.path)

    def close(self) -> None:
        """Close the socket and release the address."""
        self.socket.close()
        if self._lock is not None:
            with suppress(OSError):
                os.unlink(self._address.path)
        self._unlock()

    def _bind(self, mode: int) -> None:
        if self._address.path:
            self._bind_file(mode)
        else:
            if self.is_stream:
                # Else a restarted daemon can't bind while old connections linger in the kernel.
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind((self._address.host, self._address.port))
        if self.is_stream:
            self.socket.listen(BACKLOG)
        else:
            _raise_buffer(self.socket)

    def _bind_file(self, mode: int) -> None:
        path = self._address.path
        try:
            lock = FileLock(path)
        except BlockingIOError:  # its own message doesn't help
            raise _in_use() from None
        try:
            _remove_leftover(path, self.socket.type)
            with socket_mode(mode):
                self.socket.bind(path)
        except BaseException:
            lock.close()
            raise
        self._lock = lock

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _remove_leftover(path: str, kind: int) -> None:
    """Remove the file of a socket that nobody listens to; raises OSError for any other file."""
    if not os.path.lexists(path):
        return
    if not stat.S_ISSOCK(os.lstat(path).st_mode):
        raise FileExistsError(errno.EEXIST, "There is a file")
    with socket.socket(socket.AF_UNIX, kind) as trial:
        # A blocking connect would wait if the listener's queue is full.
        trial.setblocking(False)
        refused = trial.connect_ex(path)
    if refused != errno.ECONNREFUSED:
        raise _in_use()
    os.unlink(path)


def _in_use() -> OSError:
    return OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _raise_buffer(datagrams: socket.socket) -> None:
    for option in (_FORCE, socket.SO_RCVBUF):
        try:
            datagrams.setsockopt(socket.SOL_SOCKET, option, BUFFER)
        except OSError:  # no permission, or not Linux
            continue
        return
