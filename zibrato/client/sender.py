"""The thread of a process that takes measurements out of buffers and sends them.

It owns every ZeroMQ socket of the client. It wakes once a second, aligned to the clock, so that a
batch doesn't straddle two of the daemon's intervals. It wakes more often only while there is much
to send.

A signal handler or a finalizer that waits for the thread may have interrupted code that waits for
it, too. So nothing here waits for a lock that the interrupted code may hold.
"""

from __future__ import annotations

import _thread
import atexit
import gc
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial

from zibrato.client import absence, flushing
from zibrato.client.acknowledged import connection_kind
from zibrato.client.connection import Connection
from zibrato.client.connector import Connector
from zibrato.client.exit_hooks import ExitHooks
from zibrato.client.limits import MAX_LINGER
from zibrato.client.reader import Reader, begin_thread

INTERVAL = 1.0
BUSY_INTERVAL = 0.1
BUSY_SAMPLES = 50_000
GRACE = 0.25

Jobs = queue.SimpleQueue[Callable[[], None]]

_main_thread = threading.main_thread()


class Sender:
    """Sends what the open `connections` hold, and drops what closed ones still get."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self._lock = threading.RLock()
        self._jobs: Jobs = queue.SimpleQueue()
        self._thread: int | None = None
        self._last_attempt = 0.0
        self._inherited: list[object] = []
        self._exit_hooks = ExitHooks(self.finish)
        self.reader = Reader()

    def acquire(self, connector: Connector, linger: float, max_pending: int) -> Connection:
        """Return the connection of `connector`, which its users share, and start the thread."""
        with self._locked():
            connection = self._connection(connector)
            connection.acquire(linger, max_pending)
            self._ensure_thread()
        return connection

    def _connection(self, connector: Connector) -> Connection:
        for connection in self.connections:
            if connection.connector == connector:
                return connection
        connection = connection_kind(connector)(connector)
        connection.buffers.sampled.run = partial(self._read, connection)
        self.connections.append(connection)
        return connection

    def _read(self, connection: Connection, job: Callable[[], bool]) -> bool:
        try:
            return self.reader.run(job)
        except TimeoutError:
            connection.errors["reading"] += 1
            return False

    def release(self, connection: Connection) -> None:
        """Close `connection` if this was its last user."""
        with self._locked():
            connection.users -= 1
            last = connection.users <= 0
        if last:
            self.flush([connection], connection.linger, close=True)

    def flush(self, connections: list[Connection], linger: float, close: bool = False) -> bool:
        """Send what `connections` hold, within `linger` seconds; return whether all was sent.

        In the client's own threads, and if there is no thread, it returns False at once.
        """
        if (
            sys.is_finalizing()
            or threading.get_ident() in (self._thread, self.reader.thread)
            or not self._ensure_thread()
        ):
            return False
        linger = min(max(linger, 0.0), MAX_LINGER)
        deadline = time.monotonic() + linger
        # A plain lock, not an Event: an interrupted call of this method may hold an Event's own
        # lock.
        done = threading.Lock()
        done.acquire()
        sent = False

        def job() -> None:
            nonlocal sent
            try:
                sent = self._finish(connections, deadline, close)
            finally:
                done.release()

        self._jobs.put(job)  # only a SimpleQueue guarantees that this is reentrant
        return done.acquire(timeout=linger + GRACE) and sent

    def finish(self) -> None:
        """Send what is left at the end of the process, within the connections' longest `linger`."""
        live, linger = self._retire()
        if live:
            self.flush(live, linger, close=True)

    def after_fork(self) -> None:
        """Reset in a forked child: the parent sends what was recorded before.

        ZeroMQ objects that the child inherited are kept referenced and never closed, since closing
        them here would affect threads and files of the parent.
        """
        self._lock = threading.RLock()
        self._thread = None
        self.reader.restart()
        for connection in self.connections:
            self._inherited.append(connection.restart())
        if self.connections:
            self._start()

    def _retire(self) -> tuple[list[Connection], float]:
        """Return the open connections, now without users, and their longest linger."""
        live = [connection for connection in self.connections if not connection.closed]
        for connection in live:
            connection.users = 0
        longest = max([connection.linger for connection in live], default=0.0)
        return live, min(longest, MAX_LINGER)

    def _ensure_thread(self) -> bool:
        """Start the thread if there is none; return whether it runs."""
        if self._thread is None and not sys.is_finalizing():
            with self._lock:
                if self._thread is None:
                    self._start()
        return self._thread is not None

    def _locked(self) -> AbstractContextManager[object]:
        """Return the lock, or at the interpreter's end nothing to wait for.

        Then only finalizers still run, and a daemon thread that has stopped may hold the lock.
        """
        return nullcontext() if sys.is_finalizing() else self._lock

    def _start(self) -> None:
        """Start the thread; if that fails, have the garbage collector try again.

        It isn't made by `threading`, because the code that this interrupts may hold that module's
        lock.
        """
        self._exit_hooks.register()
        self._jobs = queue.SimpleQueue()
        try:
            self._thread = _thread.start_new_thread(
                self._run, (self._jobs, threading.get_native_id())
            )
        except (RuntimeError, MemoryError):
            self._last_attempt = time.monotonic()
            for connection in self.connections:
                connection.errors["thread"] += 1
            if self._retry not in gc.callbacks:
                gc.callbacks.append(self._retry)

    def _retry(self, phase: str, _info: object) -> None:
        """Start the thread after a while; only this bounds what is recorded until then.

        The garbage collector calls this before and after each of its runs. Nothing else calls back
        in a process that can't start threads, and the collector runs more often the more is
        allocated.
        """
        now = time.monotonic()
        if phase == "start" or now < self._last_attempt + INTERVAL or sys.is_finalizing():
            return
        # This may interrupt any code, even while another thread holds this lock: don't wait.
        if self._lock.acquire(blocking=False):
            try:
                if self._thread is None:
                    for connection in self.connections:
                        connection.buffers.limit(connection.max_pending)
                if self._ensure_thread():
                    gc.callbacks.remove(self._retry)
            finally:
                self._lock.release()

    def _run(self, jobs: Jobs, starter: int) -> None:
        native = begin_thread("zibrato-sender", starter)
        delay = 0.0
        try:
            # A thread that was left behind by a fork, or that was replaced, has another queue.
            while self._jobs is jobs and not (native and self._is_last()):
                delay = self._turn(jobs, delay)
            if self._jobs is jobs:
                live, linger = self._retire()
                self._finish(live, time.monotonic() + linger, close=True)
                self.reader.end()
        finally:
            if self._jobs is jobs:
                self._thread = None

    def _is_last(self) -> bool:
        """Return whether no thread but the client's own is left.

        This is so in a child that was forked by another thread than the main one, when that thread
        has returned. Then the client's threads end as well, since the child would have ended
        without them.
        """
        main = threading.main_thread()
        if main is _main_thread and main.name == "MainThread":  # it hasn't returned, nor a parent's
            return False
        # Not `threading.enumerate`: it keeps threads that `threading` didn't start for ever, and
        # takes a lock.
        return sys._current_frames().keys() <= {threading.get_ident(), self.reader.thread}

    def _turn(self, jobs: Jobs, delay: float) -> float:
        """Wait up to `delay` seconds for a job, do everything there is; return the next delay."""
        try:
            with suppress(queue.Empty):
                # Not with a timeout of 0, which in Python 3.10 may be one without an end.
                (jobs.get(timeout=delay) if delay else jobs.get_nowait())()
                while True:
                    jobs.get_nowait()()
            if self._jobs is not jobs:  # a greenlet continues in a forked child, which has its own
                return 0.0
            connections = list(self.connections)
            samples = sum([self._step(connection) for connection in connections])
            return _delay(samples, any(connection.queued for connection in connections), delay)
        except Exception:  # such as a lack of memory: this thread must not end while the host lives
            return INTERVAL

    def _step(self, connection: Connection) -> int:
        try:
            samples = connection.step(time.time())
            if connection.is_absence_due(time.monotonic()):
                daemon = connection.connector.daemon
                absence.warn(absence.text(daemon, connection.max_pending))
            return samples
        except Exception:  # whatever it is, the other connections and the host must go on
            connection.errors["fault"] += 1
            return 0

    def _finish(self, connections: list[Connection], deadline: float, close: bool) -> bool:
        """Send everything until the `time.monotonic` deadline, then close if asked to.

        Returns whether everything was sent.
        """
        now = time.monotonic()
        deadlines = [
            (connection, min(deadline, now + connection.linger) if close else deadline)
            for connection in connections
        ]
        for connection in connections:
            self._step(connection)
        sent = flushing.flush(deadlines)
        if close:
            flushing.close(deadlines)
        return sent


def _delay(samples: int, blocked: bool, last: float) -> float:
    """Return the seconds until the next turn: to the next full second unless there is much."""
    if samples >= BUSY_SAMPLES:
        return BUSY_INTERVAL
    if blocked and last < INTERVAL / 2:
        return max(2 * last, 0.01)
    return INTERVAL - time.time() % INTERVAL


sender = Sender()
"""The sender of the process."""

atexit.register(sender.finish)
os.register_at_fork(
    before=sender.reader.before_fork,
    after_in_parent=sender.reader.after_fork,
    after_in_child=sender.after_fork,
)
