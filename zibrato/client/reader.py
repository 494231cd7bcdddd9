"""The thread that calls the host's functions for reading gauges, which may never return.

In the sender's thread, such a function would end all sending, and nothing would bound what waits.
"""

from __future__ import annotations

import _thread
import queue
import signal
import threading
from collections.abc import Callable
from contextlib import suppress

PATIENCE = 0.5
"""Seconds to wait for readings; after a timeout, nobody waits until they are done."""
NAME = "zibrato-reader"
FAULTS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT}

Jobs = queue.SimpleQueue[Callable[[], None]]


def begin_thread(name: str, starter: int) -> bool:
    """Name this thread, which was started by the thread with the native id `starter`.

    Returns whether it is a thread; otherwise it is a greenlet in that very thread.
    """
    threading.current_thread().name = name
    native = threading.get_native_id() != starter
    if native:
        # This thread must not get a signal that the host waits for: it could end the process.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - FAULTS)
    return native


class Reader:
    """Runs one job after the other in a thread, which is started for the first job."""

    def __init__(self) -> None:
        self.thread: int | None = None
        self._jobs: Jobs = queue.SimpleQueue()
        self._late: _thread.LockType | None = None
        self._reading = threading.RLock()  # reentrant, because a job may fork

    def run(self, job: Callable[[], bool]) -> bool:
        """Run a job, which raises nothing; return its result, or False if an earlier one is late.

        Raises TimeoutError if the job takes too long to wait for.
        """
        if self._late is not None:
            if not self._late.acquire(blocking=False):
                return False
            self._late = None
        if not self._ensure_thread():
            return self._do(job)
        done = _thread.allocate_lock()
        done.acquire()
        result = False

        def work() -> None:
            nonlocal result
            try:
                result = self._do(job)
            finally:
                done.release()

        self._jobs.put(work)
        if not done.acquire(timeout=PATIENCE):
            self._late = done
            raise TimeoutError
        return result

    def before_fork(self) -> None:
        """Wait until no job runs: it may hold a lock that nobody would release in the child."""
        self._reading.acquire(timeout=PATIENCE if self._late is None else 0)

    def after_fork(self) -> None:
        """Go on after `before_fork`, in the parent."""
        with suppress(RuntimeError):  # it isn't held if a job was late
            self._reading.release()

    def end(self) -> None:
        """End the thread, at the latest when it has done its job: it keeps the process alive."""
        jobs, self._jobs = self._jobs, queue.SimpleQueue()
        self.thread = None
        jobs.put(lambda: None)

    def restart(self) -> None:
        """Reset in a forked child, which doesn't have the thread."""
        self.thread = self._late = None
        self._jobs = queue.SimpleQueue()
        self._reading = threading.RLock()

    def _do(self, job: Callable[[], bool]) -> bool:
        with self._reading:
            return job()

    def _ensure_thread(self) -> bool:
        """Start the thread if necessary; return whether there is one."""
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
        # A thread that was ended, or a greenlet that goes on in a forked child, has another queue.
        while self._jobs is jobs:
            with suppress(BaseException):  # whatever is raised, other jobs follow
                jobs.get()()
