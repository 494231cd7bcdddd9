"""Connections on sockets that are stubs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import zmq

from tests.batches import batch_of
from zibrato.client.connection import Connection
from zibrato.client.connector import Connector
from zibrato.model import COUNTER, TIMER, Series
from zibrato.wire import Batch, unpack


class StubSocket:
    """Takes messages while `room` lasts, and has sent each where there is room for another."""

    def __init__(self) -> None:
        self.room = 10**9
        self.sent: list[bytes] = []
        self.error: zmq.ZMQError | None = None
        self.closed: int | None = None

    def send(self, frame: bytes, flags: int) -> None:
        assert flags == zmq.NOBLOCK
        if self.error is not None:
            raise self.error
        if self.room < 1:
            raise zmq.Again
        self.room -= 1
        self.sent.append(frame)

    def poll(self, timeout: int, flags: int) -> int:
        if self.error is not None:
            raise self.error
        return flags if self.room else 0

    def revive(self) -> bool:
        return False

    def close(self, linger: int = 0) -> None:
        self.closed = linger


class StubConnector:
    """Opens sockets that are stubs."""

    context = None
    owns_context = False

    def __init__(self) -> None:
        self.sockets: list[StubSocket] = []
        self.room = 10**9
        self.error: zmq.ZMQError | None = None

    def open(self) -> tuple[Any, StubSocket]:
        if self.error is not None:
            raise self.error
        self.sockets.append(StubSocket())
        self.sockets[-1].room = self.room
        return None, self.sockets[-1]


class Fixture:
    """A connection on stubs, with a counter and a timer to record on."""

    def __init__(self, max_pending: int = 1000) -> None:
        self.connector = StubConnector()
        self.connection = Connection(cast(Connector, self.connector), max_pending=max_pending)
        self.count = self.connection.buffers.counter_buffer(Series(COUNTER, "c", ""), 1).increment
        self.time = self.connection.buffers.sample_buffer(Series(TIMER, "t", "")).append

    @contextmanager
    def full_after(self, room: int) -> Iterator[None]:
        """Have ZeroMQ take so much, also through a socket that is yet to be opened."""
        self.connector.room = room
        yield
        self.connector.room = 10**9
        for socket in self.connector.sockets:
            socket.room = 10**9

    @property
    def batches(self) -> list[Batch]:
        """Everything sent, over all sockets."""
        frames = [frame for socket in self.connector.sockets for frame in socket.sent]
        return [*map(batch_of, frames)]

    def counted(self, name: str = "c") -> float:
        return sum(row.sum for batch in self.batches for row in batch.counters if row.name == name)

    def timed(self) -> int:
        return sum(len(unpack(row.samples)) for batch in self.batches for row in batch.timers)
