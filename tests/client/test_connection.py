"""Connections: what waits is sent in order, within bounds."""

from __future__ import annotations

import errno
from typing import Any, cast

import zmq

from tests.batches import batch_of
from tests.client.connections import Fixture
from zibrato.client.absence import PATIENCE
from zibrato.client.connection import LEAST_LINGER
from zibrato.model import COUNTER, TIMER, Series
from zibrato.wire import unpack


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


def test_counters_alone_take_constant_memory_for_ever() -> None:
    fixture = Fixture(max_pending=100)
    fixture.connector.error = zmq.ZMQError(zmq.EINVAL)
    for now in range(2_000):
        fixture.count()
        fixture.connection.step(now)
    assert fixture.connection.pending < 10
    fixture.connector.error = None
    fixture.connection.step(2_001)
    assert fixture.counted() == 2_000
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
    batch = batch_of(fixture.connector.sockets[1].sent[0])
    assert (batch.sequence, batch.counters[0].count) == (1, 1)


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
