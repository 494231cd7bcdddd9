"""The turns of the sender without its thread: what it does in each, and when it looks again."""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import pytest

from tests.client.connections import Fixture as Connections
from tests.client.senders import HERE, Fixture
from zibrato.client import absence, flushing, sender
from zibrato.client.connection import Connection
from zibrato.client.sender import BUSY_INTERVAL, BUSY_SAMPLES, INTERVAL


@pytest.fixture
def fixture(monkeypatch: pytest.MonkeyPatch) -> Fixture:
    return Fixture(monkeypatch)


class StubConnection:
    """Counts its steps, each of which drains so many samples, or fails."""

    def __init__(self, samples: int = 0, pending: int = 0, error: Exception | None = None) -> None:
        self.samples, self.queued, self.error = samples, pending, error
        self.steps: list[float] = []
        self.linger = 1.0
        self.absent = False
        self.connector, self.max_pending = HERE, 1000
        self.errors: Counter[str] = Counter()

    def is_absence_due(self, now: float) -> bool:
        return self.absent

    def step(self, now: float) -> int:
        self.steps.append(now)
        if self.error is not None:
            raise self.error
        return self.samples


def connected(fixture: Fixture, *stubs: StubConnection) -> None:
    fixture.connections = [cast(Connection, cast(Any, stub)) for stub in stubs]


def test_a_turn_does_every_job_then_every_step(fixture: Fixture) -> None:
    done: list[str] = []
    stubs = StubConnection(), StubConnection()
    connected(fixture, *stubs)
    fixture._jobs.put(lambda: done.append("first"))
    fixture._jobs.put(lambda: done.append("second"))
    fixture._turn(fixture._jobs, 0.0)
    assert done == ["first", "second"]
    assert [stub.steps for stub in stubs] == [[1000.0], [1000.0]]


def test_the_first_turn_waits_for_no_job(fixture: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """In Python 3.10 a queue's `get` with a timeout of 0 may wait for ever."""

    class Jobs(queue.Queue[Callable[[], None]]):
        def get(self, block: bool = True, timeout: float | None = None) -> Callable[[], None]:
            if block and not timeout:
                pytest.fail("this may wait for ever")
            return super().get(block, timeout)

    stub = StubConnection()
    connected(fixture, stub)
    monkeypatch.setattr(fixture, "_jobs", Jobs())
    fixture._turn(fixture._jobs, 0.0)
    assert stub.steps == [1000.0]
    fixture._turn(fixture._jobs, 0.001)
    assert len(stub.steps) == 2


def test_a_job_that_fails_costs_a_turn_and_not_the_thread(fixture: Fixture) -> None:
    def fail() -> None:
        raise MemoryError

    fixture._jobs.put(fail)
    assert fixture._turn(fixture._jobs, 0.0) == INTERVAL


def test_a_connection_that_fails_keeps_no_other_from_sending(fixture: Fixture) -> None:
    failing, working = StubConnection(error=ValueError()), StubConnection()
    connected(fixture, failing, working)
    fixture._turn(fixture._jobs, 0.0)
    assert failing.errors == {"fault": 1}
    assert len(working.steps) == 1


def test_that_nobody_takes_anything_is_said_where_it_is_due(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(absence, "warn", said.append)
    stubs = StubConnection(), StubConnection()
    connected(fixture, *stubs)
    fixture._turn(fixture._jobs, 0.0)
    assert said == []
    stubs[1].absent = True
    fixture._turn(fixture._jobs, 0.0)
    assert said == [absence.text("a daemon at ipc:///tmp/here", 1000)]


def test_a_thread_that_was_replaced_touches_nothing(fixture: Fixture) -> None:
    stub = StubConnection()
    connected(fixture, stub)
    former: sender.Jobs = queue.SimpleQueue()
    fixture._turn(former, 0.0)
    assert stub.steps == []
    fixture._thread = -7
    fixture._run(former, threading.get_native_id())
    assert fixture._thread == -7


def test_it_looks_again_at_the_full_second(fixture: Fixture) -> None:
    fixture.now = 1000.25
    connected(fixture, StubConnection(samples=BUSY_SAMPLES - 1))
    assert fixture._turn(fixture._jobs, 0.0) == 0.75


def test_it_looks_sooner_while_there_is_much(fixture: Fixture) -> None:
    half = BUSY_SAMPLES // 2
    connected(fixture, StubConnection(samples=half), StubConnection(samples=half))
    assert fixture._turn(fixture._jobs, 0.0) == BUSY_INTERVAL


def test_it_looks_ever_later_while_zeromq_takes_nothing(fixture: Fixture) -> None:
    connected(fixture, StubConnection(), StubConnection(pending=1))
    delays = [0.0]
    for _ in range(7):
        delays.append(sender._delay(0, True, delays[-1]))
    assert delays[1:] == [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64]
    fixture.now = 1000.5
    assert sender._delay(0, True, 0.64) == 0.5
    assert fixture._turn(fixture._jobs, 0.0) == 0.01


def test_a_close_gives_each_its_own_linger_a_flush_all_the_same_time(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    short, long = StubConnection(), StubConnection()
    long.linger = 30.0
    connected(fixture, short, long)
    flushes: list[list[float]] = []
    closes: list[list[float]] = []

    def note(deadlines: flushing.Deadlines) -> bool:
        flushes.append([deadline for _, deadline in deadlines])
        return True

    monkeypatch.setattr(flushing, "flush", note)
    monkeypatch.setattr(
        flushing, "close", lambda deadlines: closes.append([end for _, end in deadlines])
    )
    assert fixture._finish(fixture.connections, 1010.0, close=False)
    assert (flushes, closes) == ([[1010.0, 1010.0]], [])
    assert fixture._finish(fixture.connections, 1010.0, close=True)
    assert (flushes[1], closes) == ([1001.0, 1010.0], [[1001.0, 1010.0]])
    assert [len(stub.steps) for stub in (short, long)] == [2, 2]


def test_who_comes_and_goes_while_the_last_user_is_flushed_loses_nothing(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a flush lasts up to the linger, in which there are no users."""
    fixed = Connections()
    connection = fixed.connection
    fixture.connections = [connection]
    connection.acquire(1.0, 1000)
    connection.users -= 1
    flush = flushing.flush

    def interrupted(deadlines: flushing.Deadlines) -> bool:
        connection.acquire(1.0, 1000)
        fixed.count()
        fixed.time(1.0)
        connection.users -= 1
        return flush(deadlines)

    monkeypatch.setattr(flushing, "flush", interrupted)
    fixture._finish([connection], fixture.now, close=True)
    monkeypatch.setattr(flushing, "flush", flush)
    fixture._finish([connection], fixture.now, close=True)
    assert (fixed.counted(), fixed.timed()) == (1, 1)
    assert connection.closed
    assert not connection.dropped
