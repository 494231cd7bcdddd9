"""Connections: what waits is sent in order, bounded, and never lost without being counted."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
import zmq

from zibrato.client import send_queue
from zibrato.client.absence import PATIENCE
from zibrato.client.connection import LEAST_LINGER, Connection
from zibrato.client.connector import Connector
from zibrato.model import COUNTER, TIMER, Series
from zibrato.wire import Batch, decode, encode, unpack


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
        return [batch for frame in frames for batch in decode(frame, 0).batches]

    def counted(self, name: str = "c") -> float:
        return sum(row.sum for batch in self.batches for row in batch.counters if row.name == name)

    def timed(self) -> int:
        return sum(len(unpack(row.samples)) for batch in self.batches for row in batch.timers)


def test_nothing_recorded_opens_nothing() -> None:
    fixture = Fixture()
    assert fixture.connection.step(1.0) == 0
    assert fixture.connector.sockets == []


def test_a_batch_has_the_interval_in_which_it_was_recorded() -> None:
    fixture = Fixture()
    fixture.connection.step(100.0)
    fixture.count()
    fixture.time(0.5)
    assert fixture.connection.step(101.0) == 1
    (batch,) = fixture.batches
    assert (batch.start, batch.end, batch.sequence) == (100.0, 101.0, 1)
    assert (fixture.counted(), fixture.timed()) == (1, 1)


def test_what_zeromq_does_not_take_waits_in_order() -> None:
    fixture = Fixture()
    fixture.count()
    fixture.connection.step(1.0)
    fixture.connector.sockets[0].room = 0
    for now in (2.0, 3.0):
        fixture.count()
        fixture.connection.step(now)
    assert (fixture.connection.queued, fixture.connection.pending) == (2, 2)
    fixture.connector.sockets[0].room = 5
    fixture.connection.step(4.0)
    assert [batch.end for batch in fixture.batches] == [1.0, 2.0, 3.0]
    assert fixture.connection.pending == 0


def test_past_the_bound_samples_are_dropped_counted_and_counters_kept() -> None:
    fixture = Fixture(max_pending=100)
    fixture.count()
    fixture.connection.step(0.0)
    fixture.connector.sockets[0].room = 0
    for now in range(1, 51):
        fixture.count()
        for _ in range(10):
            fixture.time(1.0)
        fixture.connection.step(now)
        assert fixture.connection.pending <= 10
    fixture.connector.sockets[0].room = 10**9
    fixture.connection.step(60.0)
    assert fixture.counted() == 51
    dropped = fixture.counted("zibrato.client.dropped")
    assert dropped == fixture.connection.dropped["full"] > 0
    assert fixture.timed() + dropped == 500


def test_counters_alone_take_constant_memory_for_ever() -> None:
    fixture = Fixture(max_pending=100)
    fixture.connector.error = zmq.ZMQError(zmq.EINVAL)
    for now in range(10_000):
        fixture.count()
        fixture.connection.step(now)
    assert fixture.connection.pending < 10
    fixture.connector.error = None
    fixture.connection.step(10_001)
    assert fixture.counted() == 10_000
    assert not fixture.connection.dropped


def test_an_error_of_the_socket_costs_nothing_but_a_new_one() -> None:
    fixture = Fixture()
    fixture.count()
    fixture.connection.step(1.0)
    fixture.connector.sockets[0].error = zmq.ContextTerminated()
    fixture.count()
    fixture.connection.step(2.0)
    assert fixture.connector.sockets[0].closed == 0
    fixture.connection.step(3.0)
    assert len(fixture.connector.sockets) == 2
    assert fixture.counted() == 2


def test_what_a_closed_connection_gets_is_counted_and_reported_once_it_has_users_again() -> None:
    fixture = Fixture()
    fixture.connection.close(0.0)
    fixture.count()
    fixture.time(1.0)
    fixture.connection.step(1.0)
    assert fixture.connection.dropped == {"closed": 2}
    assert fixture.batches == []
    fixture.connection.acquire(1.0, 1000)
    fixture.count()
    fixture.connection.step(2.0)
    assert (fixture.counted(), fixture.counted("zibrato.client.dropped")) == (1, 2)


def test_what_is_not_sent_when_it_closes_is_counted() -> None:
    fixture = Fixture()
    fixture.connector.error = zmq.ZMQError(errno.ENOENT)
    fixture.count()
    fixture.count()
    fixture.time(1.0)
    fixture.connection.step(1.0)
    assert fixture.connection.close(1.0) is None
    assert fixture.connection.pending == 0
    assert fixture.connection.dropped == {"unsent": 3}


def test_what_zeromq_has_still_when_it_closes_is_counted_and_cut_off() -> None:
    fixture = Fixture()
    fixture.connection.step(1.0)
    fixture.count()
    fixture.time(1.0)
    with fixture.full_after(1):
        fixture.connection.step(2.0)
        fixture.count()
        fixture.connection.step(3.0)
        assert (fixture.connection.queued, fixture.connection.pending) == (1, 2)
        fixture.connection.close(5.0)
    assert fixture.connection.dropped == {"unsent": 3}
    assert fixture.connector.sockets[0].closed == 0


def test_what_a_socket_had_that_failed_is_counted() -> None:
    fixture = Fixture()
    fixture.count()
    with fixture.full_after(1):
        fixture.connection.step(1.0)
        fixture.connector.sockets[0].error = zmq.ContextTerminated()
    fixture.count()
    fixture.connection.step(2.0)
    assert fixture.connection.dropped == {"unsent": 1}
    fixture.connection.step(3.0)
    assert fixture.counted("zibrato.client.dropped") == 1


def test_a_loss_is_one_measurement_of_the_clients_own() -> None:
    """So that what a daemon counts as received is what there was."""
    fixture = Fixture()
    fixture.connection.buffers.dropped["full"] = 1000
    fixture.connection.step(1.0)
    ((row,),) = [batch.counters for batch in fixture.batches]
    assert (row.name, row.count, row.sum) == ("zibrato.client.dropped", 1, 1000)


def test_nobody_takes_anything_while_zeromq_has_it_still() -> None:
    fixture = Fixture()
    assert not fixture.connection.is_absence_due(0.0)
    fixture.count()
    with fixture.full_after(1):
        fixture.connection.step(1.0)
        assert not fixture.connection.is_absence_due(0.0)
        assert fixture.connection.is_absence_due(PATIENCE)
    fixture.count()
    fixture.connection.step(2.0)
    assert not fixture.connection.is_absence_due(3 * 3600.0)


def test_a_socket_goes_on_sending_for_the_linger_it_is_closed_with() -> None:
    fixture = Fixture()
    fixture.count()
    fixture.connection.step(1.0)
    fixture.connection.close(0.5)
    assert fixture.connector.sockets[0].closed == 500
    again = Fixture()
    again.count()
    again.connection.step(1.0)
    again.connection.close(-1.0)
    assert again.connector.sockets[0].closed == LEAST_LINGER


def test_a_forked_child_sends_nothing_of_its_parent() -> None:
    fixture = Fixture()
    fixture.count()
    fixture.connection.step(1.0)
    fixture.connector.sockets[0].room = 0
    fixture.count()
    fixture.connection.step(2.0)
    fixture.count()
    inherited = fixture.connection.restart()
    assert inherited is not None
    assert inherited[1] is cast(Any, fixture.connector.sockets[0])
    assert fixture.connector.sockets[0].closed is None
    fixture.count()
    fixture.connection.step(3.0)
    (batch,) = decode(fixture.connector.sockets[1].sent[0], 0).batches
    assert (batch.sequence, batch.counters[0].count) == (1, 1)


def test_errors_are_counted_by_name_and_reported() -> None:
    fixture = Fixture()
    for number in (errno.EMFILE, errno.ENOENT, errno.EMFILE, zmq.ETERM):
        fixture.connector.error = zmq.ZMQError(number)
        fixture.count()
        fixture.connection.step(1.0)
    assert fixture.connection.errors == {"EMFILE": 2, "ENOENT": 1, "ETERM": 1}
    fixture.connector.error = None
    fixture.connection.step(2.0)
    assert (fixture.counted(), fixture.counted("zibrato.client.errors")) == (4, 4)


def test_a_batch_too_long_for_a_frame_is_split() -> None:
    fixture = Fixture(max_pending=10**9)
    for number in range(500):
        tags = (("long", f"{number:090000}"),)
        fixture.connection.buffers.sample_buffer(Series(TIMER, "t", "", tags)).append(1.0)
        fixture.connection.buffers.counter_buffer(Series(COUNTER, "c", "", tags), 1).increment()
    fixture.connection.step(1.0)
    assert (fixture.timed(), fixture.counted()) == (500, 500)
    sequence = [batch.sequence for batch in fixture.batches]
    assert sequence == list(range(1, len(sequence) + 1))
    assert len(sequence) > 20


def test_a_batch_that_can_not_be_encoded_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(batch: Batch) -> bytes:
        if (batch.counters[0].name, batch.counters[0].count) == ("c", 2):
            raise TypeError("no")
        return encode(batch)

    monkeypatch.setattr(send_queue, "encode", fail)

    fixture = Fixture()
    for times in (1, 2, 3):
        for _ in range(times):
            fixture.count()
        fixture.connection.step(times)
    assert fixture.counted() == 4
    assert fixture.connection.dropped == {"error": 2}


def test_counters_survive_any_sum() -> None:
    fixture = Fixture(max_pending=1)
    fixture.connector.error = zmq.ZMQError(errno.ENOENT)
    huge = fixture.connection.buffers.counter_buffer(Series(COUNTER, "h", ""), 2**62).increment
    for now in range(64):
        huge()
        huge()
        fixture.connection.step(now)
    fixture.connector.error = None
    fixture.connection.step(100)
    assert fixture.counted("h") == 64 * 2 * 2**62
    assert not fixture.connection.dropped


def test_a_client_with_too_many_series_says_so_once_and_when_they_have_doubled() -> None:
    fixture = Fixture()

    def series(first: int, end: int) -> list[float]:
        """Record on new series, and return what is reported of them."""
        for number in range(first, end):
            fixture.connection.buffers.sample_buffer(Series(TIMER, f"t{number}", "")).append(0.5)
        fixture.connection.step(1.0)
        gauges = [row for batch in fixture.batches for row in batch.gauges]
        assert {(row.name, row.level) for row in gauges} <= {("zibrato.client.series", "warning")}
        return [value for row in gauges for value in unpack(row.samples)]

    assert series(0, 998) == []  # a counter and a timer are there already
    assert series(998, 999) == [1001]
    assert series(999, 2000) == [1001]
    assert series(2000, 2001) == [1001, 2003]
