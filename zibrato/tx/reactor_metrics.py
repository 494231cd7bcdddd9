"""Gauges of a reactor and its process: lag, threads, descriptors."""

from __future__ import annotations

import os

from twisted.internet.interfaces import IReactorTime
from twisted.python.threadpool import ThreadPool

from zibrato.client.instruments import Instruments
from zibrato.tx.reactor_lag import LagMeter


class ReactorMetrics:
    """Records gauges of a reactor and its process with `instruments`."""

    def __init__(self, instruments: Instruments) -> None:
        self._lag = instruments.bind_gauge("reactor.lag")
        self._threads = instruments.bind_gauge("reactor.threads")
        self._busy = instruments.bind_gauge("reactor.threads.busy")
        self._queue = instruments.bind_gauge("reactor.threads.queue")
        self._descriptors = instruments.bind_gauge("process.descriptors")
        self._reactor: IReactorTime
        self._lag_meter: LagMeter

    def start(self, reactor: IReactorTime) -> None:
        """Start measuring the lag."""
        self._reactor = reactor
        self._lag_meter = LagMeter(reactor)
        self._lag_meter.startService()

    def stop(self) -> None:
        """Stop measuring."""
        self._lag_meter.stopService()

    def record(self) -> None:
        """Record a reading of every gauge."""
        self._lag(self._lag_meter.take())
        # `getThreadPool` would make a pool; this attribute is None until one was needed.
        pool: ThreadPool | None = getattr(self._reactor, "threadpool", None)
        if pool is not None:
            self._threads(pool.workers)
            self._busy(len(pool.working))
            self._queue(pool.q.qsize())
        count = open_descriptors()
        if count is not None:
            self._descriptors(count)


def open_descriptors() -> int | None:
    """Return the number of open file descriptors; None if the platform has no /proc."""
    try:
        return len(os.listdir("/proc/self/fd")) - 1  # without the descriptor of the listing itself
    except OSError:
        return None
