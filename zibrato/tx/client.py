"""The client for Twisted applications: a service with the instruments of `Zibrato`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import zmq
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeadlineError
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from zibrato.client import absence, environment, limits
from zibrato.client.acknowledged import connection_kind
from zibrato.client.connection import MAX_PENDING, PATIENCE
from zibrato.client.connector import HIGH_WATER, Connector, Opened
from zibrato.client.instruments import Instruments
from zibrato.client.recorder import Recorder
from zibrato.curve import KeyFiles
from zibrato.interfaces import Reactor
from zibrato.threads import in_own_thread
from zibrato.tx.monotonic import ClockWatch, MonotonicReactor, is_by_wall_clock, monotonic
from zibrato.tx.reactor_metrics import ReactorMetrics

GRACE = 0.25
"""Seconds beyond `linger` in which ZeroMQ may end its threads."""
RETRY = 0.02
"""Seconds between attempts to send while the service stops."""


class TxZibrato(Instruments, Service):
    """Records measurements and sends them from the reactor, once a second, aligned to the clock.

    It takes the arguments of `Zibrato`. Instruments also work before the service starts. With
    `reactor_metrics` it also records the reactor's own metrics: `reactor.lag` (seconds),
    `reactor.threads`, `reactor.threads.busy`, `reactor.threads.queue`, and `process.descriptors`.

    A stop sends what is left, within `linger` seconds. What is recorded after a stop waits for the
    next start.
    """

    _log = Logger()

    def __init__(
        self,
        socket: str | None = None,
        *,
        reactor: IReactorTime | None = None,
        level: str | int | None = None,
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
        bind: bool = False,
        curve: KeyFiles | None = None,
        linger: float = 1.0,
        max_pending: int = MAX_PENDING,
        interval: float = 1.0,
        reactor_metrics: bool = False,
        acknowledged: bool | str | None = None,
    ) -> None:
        endpoint = environment.endpoint(socket, bind=bind)
        self._given_reactor = reactor
        self._reactor: MonotonicReactor
        self._watch: ClockWatch | None = None
        self._interval = limits.interval(interval)
        self._linger = limits.linger(linger)
        keys = environment.curve(curve)
        way_back = environment.way_back(acknowledged, endpoint)
        self._connector = TxConnector(
            endpoint, keys=keys, way_back=way_back, get_reactor=lambda: self._reactor
        )
        self._connection = connection_kind(self._connector)(
            self._connector, linger=linger, max_pending=limits.max_pending(max_pending)
        )
        self._loop = LoopingCall(self._step)
        self._first: IDelayedCall
        recorder = Recorder(
            self._connection.buffers,
            level=environment.level(level),
            source=environment.source(source),
            tags=tags,
        )
        super().__init__(recorder)
        self._metrics = ReactorMetrics(self) if reactor_metrics else None

    @property
    def dropped(self) -> Counter[str]:
        """The number of measurements dropped since the start, by reason."""
        return self._connection.dropped

    def startService(self) -> None:
        """Start sending."""
        Service.startService(self)
        reactor = self._given_reactor or _installed_reactor()
        self._reactor = monotonic(reactor)
        if is_by_wall_clock(reactor):
            self._watch_clock()
        self._loop.clock = self._reactor
        # Aligned to the clock, so that no batch spans two of the daemon's intervals.
        wait = -self._reactor.seconds() % self._interval
        self._first = self._reactor.callLater(wait, self._loop.start, self._interval)
        if self._metrics is not None:
            self._metrics.start(self._reactor)

    def stopService(self) -> Deferred[None]:
        """Send what is left, then fire."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop())

    def _watch_clock(self) -> None:
        """Keep sending on time after clock steps, if another thread can be started."""
        self._watch = ClockWatch(self._reactor, lambda _seconds: None)
        try:
            self._watch.startService()
        except RuntimeError:  # the application works without the watch
            self._log.failure("the client won't notice when the clock is set")

    def _step(self) -> None:
        """Send what was recorded; an error doesn't stop the next step."""
        try:
            if self._metrics is not None:
                self._metrics.record()
            self._connection.step(self._reactor.seconds())
            if self._connection.is_absence_due(self._reactor.monotonic()):
                daemon, kept = self._connector.daemon, self._connection.max_pending
                self._log.warn("{text}", text=absence.text(daemon, kept))
        except Exception:
            self._connection.buffers.dropped["error"] += 1
            self._log.failure("sending measurements failed")

    async def _stop(self) -> None:
        if self._first.active():
            self._first.cancel()
        if self._loop.running:
            self._loop.stop()
        if self._metrics is not None:
            self._metrics.stop()
        if self._watch is not None:
            self._watch.stopService()
        deadline = self._reactor.monotonic() + self._linger
        self._step()
        self._connection.wait(PATIENCE)
        while self._connection.pending and self._reactor.monotonic() < deadline:
            await deferLater(self._reactor, RETRY, self._connection.wait, PATIENCE)
        context = self._connection.end(deadline - self._reactor.monotonic())
        if context is not None:
            # In a thread, because `term` blocks until ZeroMQ has sent everything, or longer: until
            # it has looked up the daemon's name.
            terminated = in_own_thread(self._reactor, context.term)
            with suppress(DeadlineError):
                left = max(0.0, deadline - self._reactor.monotonic())
                await terminated.addTimeout(left + GRACE, self._reactor)


def _installed_reactor() -> IReactorTime:
    from twisted.internet import reactor  # noqa: PLC0415 - by now the application has chosen one

    return reactor


@dataclass(frozen=True)
class TxConnector(Connector):
    """Opens txZMQ connections in the reactor that `get_reactor` returns when one is opened."""

    get_reactor: Callable[[], Reactor] = field(kw_only=True)

    def open(self) -> Opened:
        """Return a context and a connection in it; raises zmq.ZMQError."""
        from zibrato.tx.connections import Factory, PushConnection  # noqa: PLC0415 - imports the reactor

        context = zmq.Context.instance() if self.endpoint.inproc else zmq.Context()
        connection = PushConnection(Factory(self.get_reactor(), context), HIGH_WATER)
        try:
            connection.reconnecting = self.attach(connection.socket)
        except zmq.ZMQError:
            connection.close(linger=0)
            raise
        return context, connection
