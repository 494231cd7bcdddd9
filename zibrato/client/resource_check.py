"""Whether there is room for ZeroMQ: where it gets no descriptor or thread, libzmq aborts.

That would be the end of the host's process, so what a context and a socket take is tried first.
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
"""Of a context: one for its I/O, and one that ends its sockets."""
DEADLINE = 0.5


def check_resources() -> None:
    """Raise zmq.ZMQError where a new context and socket could fail for want of room."""
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
    """Have so many threads at once, and wait until the system has them back."""
    if not isinstance(_thread.start_new_thread, BuiltinFunctionType):
        return  # gevent's; a greenlet, which is what this is then, must not give way here
    gate = threading.Lock()
    tasks: list[Path] = []

    def wait() -> None:
        tasks.append(Path(f"/proc/self/task/{threading.get_native_id()}"))
        with gate:
            pass

    started = 0
    with gate:  # nobody passes before all are there: they are to be had at once
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
