"""Acknowledged connections: what is sent is kept, and sent again, until it is committed."""

from __future__ import annotations

from itertools import pairwise

import pytest
import zmq

from tests.client.ways import Ways
from zibrato.client.acknowledged import (
    MAX_PATIENCE,
    PATIENCE,
    AcknowledgedConnection,
    connection_kind,
)
from zibrato.client.connection import Connection
from zibrato.client.connector import Connector
from zibrato.endpoint import Endpoint
from zibrato.wire import VERSION, Acknowledgement, encode_acknowledgement

HERE = Endpoint.of_client("ipc:///tmp/here")


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> Ways:
    return Ways(monkeypatch)


def test_a_connector_with_a_way_back_asks_for_this_kind() -> None:
    assert connection_kind(Connector(HERE)) is Connection
    assert connection_kind(Connector(HERE, way_back=HERE.way_back())) is AcknowledgedConnection


def test_what_is_sent_waits_until_it_is_committed(ways: Ways) -> None:
    ways.record(3)
    assert [(batch.sequence, batch.acknowledged) for batch in ways.take()] == [
        (1, 0), (2, 0), (3, 0),
    ]  # fmt: skip
    assert ways.connection.pending == 3
    ways.tell(2)
    ways.connection.step(2.0)
    assert ways.connection.pending == 1
    ways.tell(3)
    ways.connection.wait(0)
    assert ways.connection.pending == 0
    ways.record()
    assert [(batch.sequence, batch.acknowledged) for batch in ways.take()] == [(4, 3)]


def test_a_new_daemon_gets_what_it_wants_and_one_that_knows_nothing_everything(ways: Ways) -> None:
    ways.record(3)
    ways.tell(1, 2)
    ways.connection.step(2.0)
    assert ways.sequences() == [1, 2, 3, 2, 3]
    ways.tell(1, None)
    ways.connection.step(2.0)
    assert ways.sequences() == []
    ways.tell(None, None, "other")
    ways.connection.step(2.0)
    assert [(batch.sequence, batch.acknowledged) for batch in ways.take()] == [(2, 1), (3, 1)]


def test_after_a_gap_everything_from_there_on_is_sent_again(ways: Ways) -> None:
    ways.record(4)
    ways.tell(0)
    ways.connection.step(2.0)
    ways.take()
    ways.tell(1, 3)
    ways.connection.step(2.0)
    assert ways.sequences() == [3, 4]
    assert ways.connection.pending == 3


def test_what_is_not_answered_is_sent_again_ever_more_seldom(ways: Ways) -> None:
    ways.record(2)
    ways.tell(0)
    ways.connection.step(2.0)
    ways.take()
    at = []
    for second in range(500):
        ways.now = float(second)
        ways.connection.step(2.0)
        if ways.sequences() == [1, 2]:
            at.append(second)
    assert at[0] == PATIENCE
    gaps = [later - earlier for earlier, later in pairwise(at)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == MAX_PATIENCE
    ways.tell(1)
    ways.connection.step(2.0)
    ways.now += PATIENCE
    ways.connection.step(2.0)
    assert ways.sequences() == [2]


def test_what_is_for_others_or_unreadable_is_ignored(ways: Ways) -> None:
    ways.record()
    frame = encode_acknowledgement(Acknowledgement(VERSION, "one", 1, None))
    topic = ways.connector.client.encode()
    later = encode_acknowledgement(Acknowledgement(VERSION + 1, "one", 1, None))
    ways.subscriber.messages += [
        [topic + b"2", frame], [topic], [topic, b"\xc1"], [topic, b""], [topic, later],
    ]  # fmt: skip
    ways.connection.step(2.0)
    assert ways.connection.pending == 1


def test_a_socket_that_fails_loses_nothing(ways: Ways) -> None:
    ways.record(2)
    ways.take()
    ways.socket.error = zmq.ContextTerminated()
    ways.record()
    assert ways.connector.subscribers[0].closed
    ways.connection.step(2.0)
    assert ways.sequences() == [1, 2, 3, 4]  # the last one tells of the error
    assert not ways.connection.dropped


def test_half_of_the_bound_may_be_on_its_way_and_counters_go_on_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ways = Ways(monkeypatch, max_pending=1000)
    for _ in range(2000):
        ways.time(0.5)
        ways.record()
    sent = sum(row.count for batch in ways.take() for row in batch.counters)
    assert 0 < sent < 20
    assert ways.connection.dropped["full"] > 1900
    committed = 0
    while ways.connection.pending:
        committed += 1
        ways.tell(committed)
        ways.connection.step(2.0)
        sent += sum(r.count for batch in ways.take() for r in batch.counters if r.name == "c")
    assert sent == 2000


def test_a_close_counts_what_has_no_acknowledgement(ways: Ways) -> None:
    ways.record(3)
    ways.tell(1)
    ways.connection.step(2.0)
    ways.socket.room = 0
    ways.record()
    ways.connection.close(0.5)
    assert ways.connection.dropped == {"unacknowledged": 2, "unsent": 1}
    assert ways.connection.pending == 0
    assert ways.subscriber.closed


def test_who_opens_it_again_does_not_wait_for_what_was_given_up(ways: Ways) -> None:
    """For the daemon takes nothing after a gap, and what is in it would never come."""
    ways.record(3)
    ways.tell(1)
    ways.connection.step(2.0)
    ways.connection.close(0.5)
    ways.take()
    ways.connection.acquire(1.0, 1000)
    ways.record()
    first = ways.take()[0]
    assert (first.sequence, first.acknowledged) == (4, 3)


def test_a_forked_child_is_another_client_and_closes_nothing(ways: Ways) -> None:
    ways.record(2)
    ways.take()
    parent = ways.connector.client
    assert ways.connection.restart() is not None
    assert not ways.subscriber.closed
    assert ways.connection.pending == 0
    ways.record()
    (batch,) = ways.take()
    assert (batch.sequence, batch.acknowledged) == (1, 0)
    assert batch.client == ways.connector.client != parent


def test_one_that_waits_for_an_answer_alone_waits_for_that(ways: Ways) -> None:
    ways.connection.wait(5)  # nothing is open
    ways.record()
    ways.connection.wait(7)
    assert ways.subscriber.polls == [7]


def test_nobody_takes_what_nobody_acknowledges(ways: Ways) -> None:
    ways.record()
    assert not ways.connection.is_absence_due(0.0)
    assert ways.connection.is_absence_due(10.0)
