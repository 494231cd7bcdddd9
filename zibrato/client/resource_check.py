"""Check for resources before using ZeroMQ: if it gets no descriptor or thread, libzmq aborts.

That would end the host's process, so this tries to get what a context and a socket need.
"""

from __future__ import annotations

import _thread
import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from types import BuiltinFunctionType

import zmq

DESCRIPTORS = 16
THREADS = 2
"""The threads of a context: one for I/O, and one that closes its sockets."""
DEADLINE = 0.5


def check_resources() -> None:
    """Raise zmq.ZMQError if a new context and socket may lack descriptors or threads."""
    try:
        _try_descriptors(DESCRIPTORS)
        _try_threads(THREADS)
    except OSError as error:
        raise zmq.ZMQError(error.errno) from None
    except (RuntimeError, MemoryError):
        raise zmq.ZMQError(errno.EAGAIN) from None


def _try_descriptors(number: int) -> None:
    descriptors: list[int] = []
    try:
        while len(descriptors) < number:
            descriptors += os.pipe()
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _try_threads(number: int) -> None:
    """Start so many threads at once, and wait until they have ended."""
    if not isinstance(_thread.start_new_thread, BuiltinFunctionType):
        return  # gevent's; then this is a greenlet, which must not yield here
    gate = threading.Lock()
    tasks: list[Path] = []

    def wait() -> None:
        tasks.append(Path(f"/proc/self/task/{threading.get_native_id()}"))
        with gate:
            pass

    started = 0
    with gate:  # none may end before all have started: they must exist at once
        try:
            for _ in range(number):
                _thread.start_new_thread(wait, ())
                started += 1
        finally:
            _wait_until(lambda: len(tasks) == started)
    _wait_until(lambda: not any(task.exists() for task in tasks))


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + DEADLINE
    while not condition() and monotonic() < deadline:
        sleep(0.001)
