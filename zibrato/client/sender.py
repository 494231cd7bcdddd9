"""The one thread of a process that takes measurements out of buffers and sends them.

It owns every ZeroMQ socket of the client. It wakes once a second, aligned to the clock, so that
a batch doesn't straddle two of the daemon's intervals; more often only while there is much to send.

Whatever waits for the thread may be a signal handler or a finalizer that interrupted another one
that waits, so nothing here waits for a lock that the interrupted code may hold.
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
from contextlib import suppress
from functools import partial

from zibrato.client import absence, flushing, reader
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


class Sender:
    """Sends what the open `connections` hold, and drops what the closed ones still get."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self._lock = threading.RLock()
        self._jobs: Jobs = queue.SimpleQueue()
        self._thread: int | None = None
        self._last_attempt = 0.0
        self._inherited: list[object] = []
        self._exit_hooks = ExitHooks(self.finish)
        self._reader = Reader()

    def acquire(self, connector: Connector, linger: float, max_pending: int) -> Connection:
        """Return the connection of `connector`, shared by its users, and start the thread."""
        with self._lock:
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
            return self._reader.run(job)
        except TimeoutError:
            connection.errors["reading"] += 1
            return False

    def release(self, connection: Connection) -> None:
        """Close `connection` if this was its last user."""
        with self._lock:
            connection.users -= 1
            last = connection.users <= 0
        if last:
            self.flush([connection], connection.linger, close=True)

    def flush(self, connections: list[Connection], linger: float, close: bool = False) -> bool:
        """Send what `connections` hold, within `linger` seconds; return whether all of it went.

        Returns at once, with False, in the client's own threads and where there is no thread.
        """
        if (
            sys.is_finalizing()
            or threading.get_ident() in (self._thread, self._reader.thread)
            or not self._ensure_thread()
        ):
            return False
        linger = min(max(linger, 0.0), MAX_LINGER)
        deadline = time.monotonic() + linger
        # A bare lock and no Event, whose own lock an interrupted call of this may hold.
        done = threading.Lock()
        done.acquire()
        sent = False

        def job() -> None:
            nonlocal sent
            try:
                sent = self._finish(connections, deadline, close)
            finally:
                done.release()

        self._jobs.put(job)  # of a SimpleQueue, which alone promises that this may be interrupted
        return done.acquire(timeout=linger + GRACE) and sent

    def finish(self) -> None:
        """Send what is left as the process ends, within the longest `linger` of the connections."""
        live, linger = self._retire()
        if live:
            self.flush(live, linger, close=True)

    def after_fork(self) -> None:
        """Begin anew in a forked child: the parent sends what was recorded before.

        What the child inherited of ZeroMQ is kept referenced and never closed, since closing it
        here would touch threads and files that are the parent's.
        """
        self._lock = threading.RLock()
        self._thread = None
        self._reader.restart()
        for connection in self.connections:
            self._inherited.append(connection.restart())
        if self.connections:
            self._start()

    def _retire(self) -> tuple[list[Connection], float]:
        """Return the open connections, to be closed whoever uses them, and their longest linger."""
        live = [connection for connection in self.connections if not connection.closed]
        for connection in live:
            connection.users = 0
        longest = max([connection.linger for connection in live], default=0.0)
        return live, min(longest, MAX_LINGER)

    def _ensure_thread(self) -> bool:
        """Return whether the thread runs, having started it if there was none."""
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._start()
        return self._thread is not None

    def _start(self) -> None:
        """Start the thread, or have the garbage collector try again where there can be none.

        It isn't made by `threading`, whose lock may be held by the code that this interrupts.
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
        """Start the thread after a while; meanwhile nothing else bounds what is recorded.

        The garbage collector calls this before and after each of its runs. It is all that calls
        back in a process that gets no thread, and it runs the more often the more is allocated.
        """
        now = time.monotonic()
        if phase == "start" or now < self._last_attempt + INTERVAL or sys.is_finalizing():
            return
        # It may interrupt any code, also such as holds this lock in another thread: don't wait.
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
            # A thread that a fork left behind, or that was replaced, has another queue than this.
            while self._jobs is jobs and not (native and _is_last()):
                delay = self._turn(jobs, delay)
            if self._jobs is jobs:
                live, linger = self._retire()
                self._finish(live, time.monotonic() + linger, close=True)
        finally:
            if self._jobs is jobs:
                self._thread = None

    def _turn(self, jobs: Jobs, delay: float) -> float:
        """Wait for a job, for `delay` seconds at most; do all there is; return the next delay."""
        try:
            with suppress(queue.Empty):
                jobs.get(timeout=delay)()
                while True:
                    jobs.get_nowait()()
            if self._jobs is not jobs:  # a greenlet goes on in a forked child, which has its own
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
        except Exception:  # whatever it is, the other connections and the host go on
            connection.errors["fault"] += 1
            return 0

    def _finish(self, connections: list[Connection], deadline: float, close: bool) -> bool:
        """Send all until the `time.monotonic` deadline, then close if asked to.

        Returns whether all of it went.
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


def _is_last() -> bool:
    """Return whether all threads but this one have ended.

    So it is in a child that another thread than the main one forked and that returned from it: it
    ends, since that is what it would do without this thread.
    """
    threads = [thread for thread in threading.enumerate() if thread.name != reader.NAME]
    return threads == [threading.current_thread()]


def _delay(samples: int, blocked: bool, last: float) -> float:
    """Return the seconds until the next look: to the full second, unless there is much."""
    if samples >= BUSY_SAMPLES:
        return BUSY_INTERVAL
    if blocked and last < INTERVAL / 2:
        return max(2 * last, 0.01)
    return INTERVAL - time.time() % INTERVAL


sender = Sender()
"""The process's own."""

atexit.register(sender.finish)
os.register_at_fork(after_in_child=sender.after_fork)
