"""Claims endpoints: no second daemon may have them, and no file that isn't a socket is replaced."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import zmq

from zibrato.endpoint import Endpoint
from zibrato.files.file_lock import FileLock


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
    return (
        f"can't use {endpoint.address}: {error.strerror}; "
        "is another program there, or the directory missing?"
    )


def _is_free(endpoint: Endpoint) -> bool:
    try:
        _trial(endpoint).close()
    except OSError:
        return False
    return True


def _trial(endpoint: Endpoint) -> ExitStack:
    """Hold `endpoint` until the returned stack is closed; raises OSError if it is unavailable."""
    with ExitStack() as stack:
        if endpoint.path:
            stack.callback(release, endpoint.path, lock(endpoint.path))
        # ZeroMQ closes a socket some time after it is asked to. To terminate a context waits for
        # that, so this trial has its own context: afterwards the address is free.
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        stack.callback(context.term)
        socket = stack.enter_context(context.socket(zmq.PULL))
        socket.set(zmq.LINGER, 0)
        attach(endpoint, socket)
        return stack.pop_all()


def lock(path: str) -> FileLock:
    """Lock a socket's path against other daemons; `release` undoes it.

    Raises BlockingIOError if another daemon has the path, and FileExistsError if there is a file
    that isn't a socket.
    """
    # ZeroMQ itself would replace such a file, and would let a second daemon take over the path.
    if os.path.exists(path) and not stat.S_ISSOCK(os.stat(path).st_mode):
        raise FileExistsError(errno.EEXIST, "There is a file")
    return FileLock(path)


def attach(endpoint: Endpoint, socket: zmq.Socket[bytes]) -> None:
    """Bind or connect `socket`; raises OSError."""
    try:
        endpoint.attach(socket)
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
