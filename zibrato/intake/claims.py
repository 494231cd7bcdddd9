"""Claims endpoints: no second daemon may have them, and no file that isn't a socket is replaced."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import zmq

from zibrato.endpoint import Endpoint
from zibrato.files.file_lock import FileLock

_MAX_PATH = 107
"""Bytes of the path of an ipc socket, on Linux."""
_HINTS = {
    errno.EADDRINUSE: "; is another program there?",
    errno.EADDRNOTAVAIL: "; name an address of this host",
    errno.EEXIST: "; move it away, or give another path",
    errno.ENAMETOOLONG: f"; give a path of at most {_MAX_PATH} bytes",
    errno.ENODEV: "; name an address or an interface of this host",
    errno.ENOENT: "; make its directory first",
}
"""What to do about an endpoint that is unavailable."""
_Address = str | tuple[object, ...]


def claim(endpoint: Endpoint, claims: ExitStack) -> None:
    """Hold `endpoint` until `claims` is closed; raises ValueError, with one line for people."""
    try:
        trial = _trial(endpoint)
    except OSError as error:
        claims.close()
        raise ValueError(f"--socket: {reason(endpoint, error)}") from None
    claims.callback(trial.close)


def reason(endpoint: Endpoint, error: OSError) -> str:
    """Return why an endpoint is unavailable; to be called after releasing this daemon's others."""
    if _is_free(endpoint):
        return f"{endpoint.address} is taken by another --socket, under another name; leave one out"
    if isinstance(error, BlockingIOError):
        return f"another daemon has {endpoint.address}; stop it, or give another path"
    return f"can't use {endpoint.address}: {error.strerror}{_HINTS.get(error.errno or 0, '')}"


def _is_free(endpoint: Endpoint) -> bool:
    try:
        _trial(endpoint).close()
    except OSError:
        return False
    return True


def _trial(endpoint: Endpoint) -> ExitStack:
    """Hold `endpoint` until the returned stack is closed; raises OSError if it is unavailable.

    Nobody can connect meanwhile. Clients that wait for a daemon would lose what they sent to a
    trial that listens, and those with CURVE keys would never try again after one without keys.
    """
    with ExitStack() as stack:
        if endpoint.connect or endpoint.inproc:
            return stack.pop_all()
        if endpoint.path:
            stack.callback(release, endpoint.path, lock(endpoint.path))
            with suppress(FileNotFoundError):
                os.unlink(endpoint.path)  # left by a daemon that was killed
        family, address = _kernel_address(endpoint.address)
        if address is None:
            return stack.pop_all()
        try:
            stack.enter_context(_bound(family, address, reuse=False))
        except OSError as error:
            if error.errno != errno.EADDRINUSE or family == socket.AF_UNIX:
                raise
            # Perhaps only connections of an earlier daemon linger, which ZeroMQ ignores, too.
            stack.enter_context(_bound(family, address, reuse=True))
        return stack.pop_all()


def _bound(family: socket.AddressFamily, address: _Address, *, reuse: bool) -> socket.socket:
    """Return a socket that is bound, but doesn't listen; raises OSError."""
    bound = socket.socket(family)
    try:
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        bound.bind(address)
    except BaseException:
        bound.close()
        raise
    return bound


def _kernel_address(address: str) -> tuple[socket.AddressFamily, _Address | None]:
    """Return what the kernel calls an address to bind to; raises OSError.

    It is None for the name of an interface, which only ZeroMQ can resolve.
    """
    transport, _, rest = address.partition("://")
    if transport == "ipc":
        if len(os.fsencode(rest)) > _MAX_PATH:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        return socket.AF_UNIX, f"\0{rest[1:]}" if rest.startswith("@") else rest
    host, _, port = rest.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    number = int(port.replace("*", "0"))
    host = host.strip("[]")
    if host == "*":
        return family, ("", number)
    if host in {name for _, name in socket.if_nameindex()}:
        return family, None
    try:
        found = socket.getaddrinfo(host, number, family, socket.SOCK_STREAM)
    except OSError:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV)) from None
    return family, found[0][4]


def lock(path: str) -> FileLock:
    """Lock a socket's path against other daemons; `release` undoes it.

    Raises BlockingIOError if another daemon has the path, and FileExistsError if there is a file
    that isn't a socket.
    """
    # ZeroMQ itself would replace such a file, and would let a second daemon take over the path.
    if os.path.exists(path) and not stat.S_ISSOCK(os.stat(path).st_mode):
        raise FileExistsError(errno.EEXIST, "There is a file")
    return FileLock(path)


def attach(endpoint: Endpoint, to: zmq.Socket[bytes]) -> None:
    """Bind or connect a socket; raises OSError."""
    try:
        endpoint.attach(to)
    except zmq.ZMQError as error:
        raise OSError(error.errno, error.strerror) from None


@contextmanager
def socket_mode(mode: int) -> Iterator[None]:
    """Within a `with`, create the files of sockets with these permissions."""
    before = os.umask(0o777 & ~mode)
    try:
        yield
    finally:
        os.umask(before)


def release(path: str, lock: FileLock) -> None:
    """Remove the socket's file, which ZeroMQ leaves behind, and release the path."""
    with suppress(OSError):
        os.unlink(path)
    lock.close()
