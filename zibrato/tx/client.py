"""The client for Twisted applications: the same instruments as a service, without a thread."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import zmq
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from zibrato.client.connection import MAX_PENDING, Channel
from zibrato.client.connector import HIGH_WATER, Connector
from zibrato.client.instruments import Instruments
from zibrato.client.recorder import Recorder
from zibrato.endpoint import DEFAULT_SOCKET, Endpoint
from zibrato.tx.reactor_metrics import ReactorMetrics

RETRY = 0.02


class TxZibrato(Instruments, Service):
    """Records measurements and sends them from the reactor, once a second, aligned to the clock.

    The arguments are those of `Zibrato`; instruments work before the service starts as well. With
    `reactor_metrics` the reactor's own are recorded: `reactor.lag` (seconds), `reactor.threads`,
    `reactor.threads.busy`, `reactor.threads.queue`, and `process.descriptors`.

    A stop sends what is left, within `linger` seconds. What is recorded after it waits for the
    next start.
    """

    _log = Logger()

    def __init__(
        self,
        socket: str | None = None,
        *,
        reactor: Any = None,
        level: str | int | None = None,
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
        bind: bool = False,
        linger: float = 1.0,
        max_pending: int = MAX_PENDING,
        interval: float = 1.0,
        reactor_metrics: bool = False,
    ) -> None:
        address = socket or os.environ.get("ZIBRATO_SOCKET") or DEFAULT_SOCKET
        endpoint = Endpoint.of_client(address, bind=bind)
        self._reactor = reactor
        self._interval = interval
        self._linger = linger
        self._connector = TxConnector(endpoint, get_reactor=lambda: self._reactor)
        self._channel = Channel(self._connector, linger=linger, max_pending=max_pending)
        self._loop = LoopingCall(self._step)
        self._first: Any = None
        recorder = Recorder(
            self._channel.buffers,
            level=level or os.environ.get("ZIBRATO_LEVEL") or None,
            source=source or os.environ.get("ZIBRATO_SOURCE"),
            tags=tags,
        )
        super().__init__(recorder)
        self._signs = ReactorMetrics(self) if reactor_metrics else None

    @property
    def dropped(self) -> Counter[str]:
        """How many measurements were dropped since the start, by reason."""
        return self._channel.dropped

    def startService(self) -> None:
        """Begin to send."""
        Service.startService(self)
        if self._reactor is None:
            from twisted.internet import reactor  # noqa: PLC0415 - the application's choice by now

            self._reactor = reactor
        self._loop.clock = self._reactor
        wait = -self._reactor.seconds() % self._interval
        self._first = self._reactor.callLater(wait, self._loop.start, self._interval)
        if self._signs is not None:
            self._signs.start(self._reactor)

    def stopService(self) -> Deferred[None]:
        """Send what is left, then fire."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop())

    def _step(self) -> None:
        """Send what was recorded; whatever fails, the next step comes."""
        try:
            if self._signs is not None:
                self._signs.record()
            self._channel.step(self._reactor.seconds())
        except Exception:
            self._channel.buffers.dropped["error"] += 1
            self._log.failure("sending measurements failed")

    async def _stop(self) -> None:
        if self._first.active():
            self._first.cancel()
        if self._loop.running:
            self._loop.stop()
        if self._signs is not None:
            self._signs.stop()
        deadline = self._reactor.seconds() + self._linger
        self._step()
        while self._channel.pending and self._reactor.seconds() < deadline:
            await deferLater(self._reactor, RETRY, self._step)
        opened = self._channel.release()
        if opened is not None:
            await self._close(*opened, deadline)

    async def _close(self, context: Any, connection: Any, deadline: float) -> None:
        """Close, and wait in a thread until ZeroMQ has sent everything: ending a context blocks."""
        connection.close(linger=max(0, int((deadline - self._reactor.seconds()) * 1000)))
        if not self._connector.endpoint.inproc:
            await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), context.term)


@dataclass(frozen=True)
class TxConnector(Connector):
    """Opens txZMQ connections, for a reactor that is known by then."""

    get_reactor: Callable[[], Any] = lambda: None

    def open(self) -> tuple[zmq.Context[Any], Any]:
        """Return a connection and its context; raises zmq.ZMQError."""
        from zibrato.tx.connections import Factory, PushConnection  # noqa: PLC0415 - imports the reactor

        context = zmq.Context.instance() if self.endpoint.inproc else zmq.Context()
        connection = PushConnection(Factory(self.get_reactor(), context), HIGH_WATER)
        try:
            self.attach(connection.socket)
        except zmq.ZMQError:
            connection.close(linger=0)
            raise
        return context, connection
