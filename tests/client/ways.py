"""Acknowledged connections on stubs: what they send is kept, what they are told a test says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
import zmq

from tests.batches import batch_of
from tests.client.connections import StubConnector, StubSocket
from zibrato.client import acknowledged
from zibrato.client.acknowledged import AcknowledgedConnection
from zibrato.client.connector import Connector
from zibrato.model import COUNTER, TIMER, Series
from zibrato.wire import VERSION, Acknowledgement, Batch, encode_acknowledgement


class StubSubscriber:
    """Hands over the messages that a test puts into it."""

    def __init__(self) -> None:
        self.messages: list[list[bytes]] = []
        self.closed = False
        self.polls: list[int] = []

    def poll(self, timeout: int, _flags: int) -> int:
        self.polls.append(timeout)
        return len(self.messages)

    @property
    def socket(self) -> StubSubscriber:
        return self

    def revive(self) -> bool:
        return False

    def recv_multipart(self, flags: int) -> list[bytes]:
        assert flags == zmq.NOBLOCK
        if not self.messages:
            raise zmq.Again
        return self.messages.pop(0)

    def close(self, linger: int) -> None:
        assert linger == 0
        self.closed = True


class StubWays(StubConnector):
    """Opens stubs of both ways."""

    def __init__(self) -> None:
        super().__init__()
        self.subscribers: list[StubSubscriber] = []
        self.client = ""

    def subscribe(self, _context: object, client: str) -> StubSubscriber:
        self.client = client
        self.subscribers.append(StubSubscriber())
        return self.subscribers[-1]


class Ways:
    """An acknowledged connection on stubs, on a clock that a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, max_pending: int = 1000) -> None:
        self.now = 0.0
        clock = SimpleNamespace(monotonic=lambda: self.now)
        monkeypatch.setattr(acknowledged, "time", clock)
        self.connector = StubWays()
        connector = cast(Connector, self.connector)
        self.connection = AcknowledgedConnection(connector, max_pending=max_pending)
        self.count = self.connection.buffers.counter_buffer(Series(COUNTER, "c", ""), 1).increment
        self.time = self.connection.buffers.sample_buffer(Series(TIMER, "t", "")).append

    def record(self, batches: int = 1) -> None:
        """Record and send so many batches of one increment."""
        for _ in range(batches):
            self.count()
            self.connection.step(1.0)

    def tell(self, committed: int | None, wanted: int | None = None, instance: str = "one") -> None:
        """Have the daemon say something."""
        message = Acknowledgement(VERSION, instance, committed, wanted)
        topic = self.connector.client.encode()
        self.connector.subscribers[-1].messages.append([topic, encode_acknowledgement(message)])

    def take(self) -> list[Batch]:
        """Return what was sent since the last time."""
        frames: list[bytes] = []
        for socket in self.connector.sockets:
            frames += socket.sent
            socket.sent = []
        return [*map(batch_of, frames)]

    def sequences(self) -> list[int]:
        """Return the numbers of what was sent since the last time."""
        return [batch.sequence for batch in self.take()]

    @property
    def socket(self) -> StubSocket:
        """The socket that is open."""
        return self.connector.sockets[-1]

    @property
    def subscriber(self) -> Any:
        """The one that belongs to it."""
        return self.connector.subscribers[-1]
