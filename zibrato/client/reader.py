"""The thread that calls what gauges are read by: functions of the host's, which may never return.

Were it the sender's, such a function would end the sending, and nothing would bound what waits.
"""

from __future__ import annotations

import _thread
import queue
import signal
import threading
from collections.abc import Callable
from contextlib import suppress

PATIENCE = 0.5
"""Seconds that somebody waits for readings, once until they are there."""
NAME = "zibrato-reader"
FAULTS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT}

Jobs = queue.SimpleQueue[Callable[[], None]]


def begin_thread(name: str, starter: int) -> bool:
    """Name this thread, which the one of the native id `starter` has started.

    Returns whether it is one: else it is a greenlet in that very thread.
    """
    threading.current_thread().name = name
    native = threading.get_native_id() != starter
    if native:
        # A signal that the host waits for must not come here, where it may end the process.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - FAULTS)
    return native


class Reader:
    """Does one job after the other, in a thread that is started with the first."""

    def __init__(self) -> None:
        self.thread: int | None = None
        self._jobs: Jobs = queue.SimpleQueue()
        self._late: _thread.LockType | None = None

    def run(self, job: Callable[[], bool]) -> bool:
        """Return what `job` returns, False while an earlier one is late; it raises nothing.

        Raises TimeoutError where nobody waits for it any longer.
        """
        if self._late is not None:
            if not self._late.acquire(blocking=False):
                return False
            self._late = None
        if not self._ensure_thread():
            return job()
        done = _thread.allocate_lock()
        done.acquire()
        result = False

        def work() -> None:
            nonlocal result
            try:
                result = job()
            finally:
                done.release()

        self._jobs.put(work)
        if not done.acquire(timeout=PATIENCE):
            self._late = done
            raise TimeoutError
        return result

    def restart(self) -> None:
        """Begin anew in a forked child, which has no such thread."""
        self.thread = self._late = None
        self._jobs = queue.SimpleQueue()

    def _ensure_thread(self) -> bool:
        """Return whether there is a thread."""
        if self.thread is None:
            try:
                self.thread = _thread.start_new_thread(
                    self._run, (self._jobs, threading.get_native_id())
                )
            except (RuntimeError, MemoryError):
                return False
        return True

    def _run(self, jobs: Jobs, starter: int) -> None:
        begin_thread(NAME, starter)
        while self._jobs is jobs:  # a greenlet goes on in a forked child, which has another
            with suppress(BaseException):  # whatever it is, there are other jobs
                jobs.get()()
