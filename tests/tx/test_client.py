"""The client in a reactor: aligned to the clock, drained at a stop, whatever a step does wrong.

Sockets are real, but of the process itself (inproc). tests/integration/test_tx.py has reactors.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
import zmq
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import capturedLogs

from tests.batches import batch_of
from tests.fake_reactor import FakeReactor
from zibrato.tx.client import RETRY, TxZibrato
from zibrato.wire import Batch, unpack


class Reactor(FakeReactor):
    """One that takes readers; a connection that only pushes has nothing to read."""

    def addReader(self, reader: object) -> None:
        """Do nothing."""

    removeReader = addReader


class Fixture:
    """A client on a clock at 100.3 s, and a daemon that may be there."""

    def __init__(self, name: str, **options: Any) -> None:
        self.address = f"inproc://{name}"
        self.reactor = Reactor()
        self.reactor.advance(100.3)
        self.z = TxZibrato(self.address, reactor=cast(IReactorTime, self.reactor), **options)
        self.pull: zmq.Socket[bytes] | None = None

    def listen(self) -> None:
        self.pull = zmq.Context.instance().socket(zmq.PULL)
        self.pull.bind(self.address)

    def batches(self) -> list[Batch]:
        """Return what has arrived since the last call."""
        arrived: list[Batch] = []
        assert self.pull is not None
        while self.pull.poll(0):
            arrived.append(batch_of(self.pull.recv()))
        return arrived

    def stop(self) -> list[None]:
        """Stop, and return a list that is filled as that is done."""
        done: list[None] = []
        stopped: Deferred[None] = self.z.stopService()
        stopped.addCallback(done.append)
        return done

    def close(self) -> None:
        if self.z.running:
            self.stop()
            self.reactor.pump([0.1] * 100)
        if self.pull is not None:
            self.pull.close(linger=0)


@pytest.fixture
def fixture(request: pytest.FixtureRequest) -> Iterator[Fixture]:
    own = Fixture(request.node.name)
    yield own
    own.close()


def test_it_sends_at_full_seconds(fixture: Fixture) -> None:
    fixture.listen()
    fixture.z.count("c")
    fixture.z.startService()
    fixture.reactor.advance(0.65)
    assert fixture.batches() == []
    fixture.reactor.advance(0.1)
    (batch,) = fixture.batches()
    assert [(row.name, row.count) for row in batch.counters] == [("c", 1)]
    fixture.z.count("c", 2)
    fixture.reactor.advance(1)
    (batch,) = fixture.batches()
    assert batch.counters[0].sum == 2
    assert batch.end - batch.start == pytest.approx(1)


def test_gauges_are_read_each_second_by_the_reactor_while_it_runs(fixture: Fixture) -> None:
    fixture.listen()
    now: list[float] = []

    def read() -> float:
        now.append(fixture.reactor.seconds())
        return 3

    fixture.z.gauge("g", read)
    with fixture.z.in_progress("p"):
        fixture.z.startService()
        fixture.reactor.pump([0.25] * 12)
        fixture.stop()
    fixture.reactor.pump([0.25] * 12)
    assert [int(when) for when in now] == [101, 102, 103]
    gauges = [row for batch in fixture.batches() for row in batch.gauges]
    assert {(row.name, *unpack(row.samples)) for row in gauges} == {("g", 3), ("p", 1)}


def test_a_stop_sends_what_is_left_and_fires(fixture: Fixture) -> None:
    fixture.listen()
    fixture.z.startService()
    fixture.z.timing("t", 0.5)
    assert fixture.stop() == [None]
    (batch,) = fixture.batches()
    assert list(unpack(batch.timers[0].samples)) == [0.5]
    assert fixture.reactor.getDelayedCalls() == []


def test_what_comes_after_a_stop_waits_for_the_next_start(fixture: Fixture) -> None:
    fixture.listen()
    fixture.z.startService()
    fixture.stop()
    fixture.z.count("late")
    assert fixture.batches() == []
    fixture.z.startService()
    fixture.reactor.advance(1)
    (batch,) = fixture.batches()
    assert batch.counters[0].name == "late"


def test_without_a_daemon_a_stop_takes_linger_and_no_longer(fixture: Fixture) -> None:
    fixture.z.startService()
    for _ in range(30):  # more batches than ZeroMQ takes where nobody is
        fixture.z.count("c")
        fixture.reactor.advance(1)
    done = fixture.stop()
    fixture.reactor.pump([RETRY] * int(0.9 / RETRY))
    assert done == []
    fixture.reactor.pump([RETRY] * int(0.2 / RETRY))
    assert done == [None]
    assert fixture.reactor.getDelayedCalls() == []


@pytest.mark.attack("a daemon's name that is looked up for ever", before="no application stopped")
def test_a_stop_does_not_wait_for_zeromq_beyond_linger(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[object] = []
    context = SimpleNamespace(term=lambda: ended.append(threading.Event().wait()))
    fixture.z.startService()
    monkeypatch.setattr(fixture.z._connection, "end", lambda _linger: context)
    done = fixture.stop()
    assert not done
    fixture.reactor.pump([0.1] * 20)
    assert done
    assert not ended


def test_a_step_that_fails_is_logged_and_counted_and_the_next_one_comes(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_now: float) -> int:
        raise MemoryError

    fixture.listen()
    fixture.z.count("c")
    fixture.z.startService()
    with capturedLogs() as events, monkeypatch.context() as patch:
        patch.setattr(fixture.z._connection, "step", fail)
        fixture.reactor.advance(1)
    assert [event["log_format"] for event in events] == ["sending measurements failed"]
    assert fixture.z.dropped == {"error": 1}
    fixture.reactor.advance(1)
    counters = [row.name for batch in fixture.batches() for row in batch.counters]
    assert counters == ["c", "zibrato.client.dropped"]


def test_the_reactors_own_metrics_come_where_they_are_asked_for(
    request: pytest.FixtureRequest,
) -> None:
    fixture = Fixture(request.node.name, reactor_metrics=True)
    fixture.listen()
    fixture.z.startService()
    fixture.reactor.advance(1)
    gauges = {row.name for batch in fixture.batches() for row in batch.gauges}
    assert "reactor.lag" in gauges
    fixture.close()
    assert fixture.reactor.getDelayedCalls() == []
