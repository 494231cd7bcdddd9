"""The one thread of a process that takes measurements out of buffers and sends them.

It owns every ZeroMQ socket of the client. It wakes once a second, aligned to the clock, so that
a batch doesn't straddle two of the daemon's intervals; more often only while there is much to send.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from .channel import Address, Channel

INTERVAL = 1.0
BUSY_INTERVAL = 0.1
BUSY_SAMPLES = 50_000
GRACE = 0.25


class Sender:
    """Sends what the open `channels` hold, and discards what the closed ones still get."""

    def __init__(self) -> None:
        self.channels: list[Channel] = []
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._jobs: list[Callable[[], None]] = []
        self._inherited: list[object] = []
        self._armed: set[str] = set()

    def channel(self, address: Address, linger: float, max_pending: int) -> Channel:
        """Return the channel to `address`, shared by its users, and start the thread."""
        with self._lock:
            channel = next((each for each in self.channels if each.serves(address)), None)
            if channel is None:
                channel = Channel(address, linger=linger, max_pending=max_pending)
                self.channels.append(channel)
            channel.users += 1
            if self._thread is None:
                atexit.register(self.finish)
                os.register_at_fork(after_in_child=self._after_fork)
                self._start()
        return channel

    def release(self, channel: Channel) -> None:
        """Close `channel` if this was its last user."""
        with self._lock:
            channel.users -= 1
            last = channel.users == 0
        if last:
            self.flush([channel], channel.linger, close=True)

    def flush(self, channels: list[Channel], linger: float, close: bool = False) -> bool:
        """Send what `channels` hold, waiting at most `linger` seconds; return whether it all went.

        Returns at once, with False, in the sender's own thread and where there is no thread.
        """
        thread = self._thread
        if thread is None or not thread.is_alive() or thread is threading.current_thread():
            return False
        done = threading.Event()
        deadline = time.monotonic() + linger

        def job() -> None:
            for channel in channels:
                channel.finish(deadline, close)
            done.set()

        self._jobs.append(job)
        self._wake.set()
        return done.wait(linger + GRACE) and not any(channel.pending for channel in channels)

    def finish(self) -> None:
        """Send what is left as the process ends, within the longest `linger` of the channels."""
        live = [channel for channel in self.channels if not channel.closed]
        if live:
            self.flush(live, max(channel.linger for channel in live), close=True)

    def _start(self) -> None:
        self._arm_process_pools()
        self._thread = threading.Thread(target=self._run, name="zibrato-sender", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        delay = 0.0
        while True:
            self._wake.wait(delay)
            self._wake.clear()
            while self._jobs:
                self._jobs.pop(0)()
            samples = 0
            blocked = False
            for channel in list(self.channels):
                samples += self._step(channel)
                blocked = blocked or bool(channel.pending)
            delay = self._delay(samples, blocked, delay)

    def _step(self, channel: Channel) -> int:
        try:
            return channel.step(time.time())
        except Exception:  # whatever it is, the other channels and the host go on
            channel.buffers.dropped["error"] += 1
            return 0

    def _delay(self, samples: int, blocked: bool, last: float) -> float:
        """Return the seconds until the next look: to the full second, unless there is much."""
        if samples >= BUSY_SAMPLES:
            return BUSY_INTERVAL
        if blocked and last < INTERVAL / 2:
            return max(2 * last, 0.01)
        return INTERVAL - time.time() % INTERVAL

    def _after_fork(self) -> None:
        """Begin anew in a forked child: the parent sends what was recorded before.

        What the child inherited of ZeroMQ is kept referenced and never closed, since closing it
        here would touch threads and files that are the parent's.
        """
        was_running = self._thread is not None
        self._thread = None
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._jobs = []
        for channel in self.channels:
            self._inherited.append(channel.restart())
        if was_running:
            self._start()

    def _arm_process_pools(self) -> None:
        """Have worker processes flush at their end: they leave by `os._exit`, without `atexit`.

        multiprocessing (and celery's copy of it) clears finalizers when a worker starts, then
        calls what was registered to run after a fork: there it is that ours can be registered.
        """
        for name in ("multiprocessing.util", "billiard.util"):
            util: Any = sys.modules.get(name)
            if util is not None and name not in self._armed:
                self._armed.add(name)
                util.register_after_fork(
                    self,
                    lambda sender, util=util: util.Finalize(None, sender.finish, exitpriority=0),
                )


sender = Sender()
"""The process's own."""
