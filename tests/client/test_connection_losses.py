"""Connections: nothing is lost without being counted."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import pytest
import zmq

from tests.client.connections import Fixture
from zibrato.client import send_queue
from zibrato.client.rows import Rows
from zibrato.wire import Batch, encode


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


def test_who_comes_as_a_closed_connection_is_stepped_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fixture = Fixture()
    fixture.connection.close(0.0)
    take = fixture.connection.buffers.drain.take

    def reopened(*_: object) -> Iterator[Rows]:
        fixture.connection.acquire(1.0, 1000)
        fixture.count()
        fixture.time(1.0)
        return take()

    monkeypatch.setattr(fixture.connection.buffers.drain, "take", reopened)
    fixture.connection.step(1.0)
    assert (fixture.counted(), fixture.timed()) == (1, 1)
    assert not fixture.connection.dropped


def test_who_comes_and_goes_as_a_connection_is_about_to_close_loses_nothing() -> None:
    fixture = Fixture()
    fixture.connection.acquire(1.0, 1000)
    fixture.connection.users -= 1
    fixture.connection.step(1.0)
    fixture.connection.acquire(1.0, 1000)
    fixture.count()
    fixture.time(1.0)
    fixture.connection.users -= 1
    assert fixture.connection.close(1.0) is None  # of those that left before the step
    assert not fixture.connection.closed
    fixture.connection.step(2.0)
    fixture.connection.close(1.0)
    assert fixture.connection.closed
    assert (fixture.counted(), fixture.timed()) == (1, 1)
    assert not fixture.connection.dropped


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
