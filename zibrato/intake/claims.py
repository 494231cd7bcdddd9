"""Whether endpoints can be had, and what has them: no second daemon, and no file that is none."""

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
    """Have `endpoint` until `claims` end; raises ValueError, one line for people."""
    try:
        trial = _trial(endpoint)
    except OSError as error:
        claims.close()
        raise ValueError(f"--socket: {reason(endpoint, error)}") from None
    claims.callback(trial.close)


def reason(endpoint: Endpoint, error: OSError) -> str:
    """Return why an endpoint can't be had, now that this daemon has no other."""
    if _is_free(endpoint):
        return (
            f"{endpoint.address} is what another --socket here has under another name; "
            "leave one out"
        )
    if isinstance(error, BlockingIOError):
        return f"another daemon has {endpoint.address}; stop it, or give another path"
    return (
        f"can't have {endpoint.address}: {error.strerror}; "
        "is another program there, or the directory missing?"
    )


def _is_free(endpoint: Endpoint) -> bool:
    try:
        _trial(endpoint).close()
    except OSError:
        return False
    return True


def _trial(endpoint: Endpoint) -> ExitStack:
    """Return what has `endpoint` until it is closed; raises OSError where it can't be had."""
    with ExitStack() as stack:
        if endpoint.path:
            stack.callback(release, endpoint.path, lock(endpoint.path))
        # One of its own, whose end waits until the address is free: ZeroMQ closes a socket some
        # time later.
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        stack.callback(context.term)
        socket = stack.enter_context(context.socket(zmq.PULL))
        socket.set(zmq.LINGER, 0)
        attach(endpoint, socket)
        return stack.pop_all()


def lock(path: str) -> FileLock:
    """Return what keeps other daemons off a socket's path; `release` is its end.

    Raises BlockingIOError where another daemon has it, FileExistsError where a file is there that
    is no socket.
    """
    # ZeroMQ alone would replace such a file, and let a second daemon steal the path.
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
    """Have the files of sockets that are bound meanwhile made with these permissions."""
    before = os.umask(0o777 & ~mode)
    try:
        yield
    finally:
        os.umask(before)


def release(path: str, lock: FileLock) -> None:
    """Remove the socket's file, which ZeroMQ leaves behind, and let another daemon have it."""
    with suppress(OSError):
        os.unlink(path)
    lock.close()
