"""The sender without its thread: what it starts, whom it serves, when it looks again."""

from __future__ import annotations

import gc
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from zibrato.client import absence, flushing, sender
from zibrato.client.connection import Connection
from zibrato.client.connector import Connector
from zibrato.client.sender import BUSY_INTERVAL, BUSY_SAMPLES, INTERVAL, MAX_LINGER, Sender
from zibrato.endpoint import Endpoint

HERE = Connector(Endpoint.of_client("ipc:///tmp/here"))
THERE = Connector(Endpoint.of_client("ipc:///tmp/there"))


class Threads:
    """Stands in for `_thread`: notes what is started, or has none to give."""

    def __init__(self) -> None:
        self.started: list[tuple[Any, ...]] = []
        self.error: Exception | None = None

    def start_new_thread(self, _function: Callable[..., object], arguments: Any) -> int:
        if self.error is not None:
            raise self.error
        self.started.append(arguments)
        return -len(self.started)


class Fixture(Sender):
    """A sender whose thread never runs, on a clock that a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.threads = Threads()
        self.now = 1000.0
        self.flushed: list[tuple[list[Connection], float, bool]] = []
        clock = SimpleNamespace(monotonic=lambda: self.now, time=lambda: self.now)
        monkeypatch.setattr(sender, "_thread", self.threads)
        monkeypatch.setattr(sender, "time", clock)
        monkeypatch.setattr(self._exit_hooks, "register", lambda: None)

    @property
    def retries(self) -> int:
        return gc.callbacks.count(self._retry)


class Flushed(Fixture):
    """One whose flushes are but noted."""

    def flush(self, connections: list[Connection], linger: float, close: bool = False) -> bool:
        self.flushed.append((connections, linger, close))
        return True


@pytest.fixture
def fixture(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fixture]:
    made = Fixture(monkeypatch)
    yield made
    while made.retries:
        gc.callbacks.remove(made._retry)


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> Flushed:
    return Flushed(monkeypatch)


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


def test_nothing_is_started_before_it_is_needed(fixture: Fixture) -> None:
    assert fixture.threads.started == []
    fixture.acquire(HERE, 1.0, 10)
    assert len(fixture.threads.started) == 1
    fixture.acquire(THERE, 1.0, 10)
    assert len(fixture.threads.started) == 1


def test_users_of_one_endpoint_share_a_connection_and_the_first_sets_its_bounds(
    fixture: Fixture,
) -> None:
    first = fixture.acquire(HERE, 1.0, 10)
    assert fixture.acquire(Connector(HERE.endpoint), 2.0, 20) is first
    assert fixture.acquire(THERE, 3.0, 30) is not first
    assert (first.users, first.linger, first.max_pending) == (2, 1.0, 10)
    assert len(fixture.connections) == 2


def test_the_last_user_closes(flushed: Flushed) -> None:
    connection = flushed.acquire(HERE, 3.0, 10)
    flushed.acquire(HERE, 1.0, 10)
    flushed.release(connection)
    assert flushed.flushed == []
    flushed.release(connection)
    assert flushed.flushed == [([connection], 3.0, True)]


def test_the_end_of_the_process_closes_what_is_open_whoever_uses_it(flushed: Flushed) -> None:
    closed = flushed.acquire(HERE, 9.0, 10)
    closed.users = 0
    closed.close(0.0)
    one = flushed.acquire(THERE, 2.0, 10)
    flushed.finish()
    assert flushed.flushed == [([one], 2.0, True)]
    assert one.users == 0


def test_the_end_waits_no_longer_than_a_timer_can(flushed: Flushed) -> None:
    flushed.acquire(HERE, 1e300, 10)
    flushed.finish()
    assert flushed.flushed[0][1] == MAX_LINGER


def test_an_end_with_nothing_open_starts_nothing(fixture: Fixture) -> None:
    fixture.finish()
    assert fixture.threads.started == []


def test_a_flush_in_the_senders_own_thread_would_wait_for_itself(fixture: Fixture) -> None:
    fixture.acquire(HERE, 1.0, 10)
    fixture._thread = threading.get_ident()
    assert not fixture.flush([], 30)
    assert fixture._jobs.empty()


def test_a_forked_child_has_a_thread_of_its_own_if_it_has_connections(fixture: Fixture) -> None:
    fixture.after_fork()
    assert fixture.threads.started == []
    connection = fixture.acquire(HERE, 1.0, 10)
    fixture._jobs.put(lambda: None)
    inherited = (cast(Any, object()), cast(Any, object()))
    connection._opened = inherited
    fixture.after_fork()
    assert len(fixture.threads.started) == 2
    assert fixture._inherited == [inherited]  # referenced for good: collecting it would close it
    assert not connection.open
    assert fixture._jobs.empty()


def test_without_a_thread_errors_are_counted_and_a_flush_returns_at_once(fixture: Fixture) -> None:
    fixture.threads.error = RuntimeError("can't start new thread")
    connection = fixture.acquire(HERE, 1.0, 10)
    assert connection.errors == {"thread": 1}
    assert not fixture.flush([connection], 30)
    assert connection.errors == {"thread": 2}
    assert fixture.retries == 1


def test_the_garbage_collector_tries_again_after_a_while(fixture: Fixture) -> None:
    fixture.threads.error = MemoryError()
    connection = fixture.acquire(HERE, 1.0, 10)
    fixture.threads.error = None
    fixture._retry("stop", {})
    assert fixture.threads.started == []
    fixture.now += INTERVAL
    fixture._retry("start", {})
    assert fixture.threads.started == []
    fixture._retry("stop", {})
    assert len(fixture.threads.started) == 1
    assert fixture.retries == 0
    assert connection.errors == {"thread": 1}


def test_while_there_is_no_thread_the_garbage_collector_bounds_what_waits(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixture.threads.error = RuntimeError()
    connection = fixture.acquire(HERE, 1.0, 10)
    limits: list[int] = []
    monkeypatch.setattr(connection.buffers, "limit", limits.append)
    fixture.now += INTERVAL
    fixture._retry("stop", {})
    assert limits == [10]
    assert fixture.retries == 1


def test_the_garbage_collector_never_waits_for_whom_it_interrupts(fixture: Fixture) -> None:
    fixture.threads.error = RuntimeError()
    fixture.acquire(HERE, 1.0, 10)
    fixture.threads.error = None
    fixture.now += INTERVAL
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with fixture._lock:
            inside.set()
            leave.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(30)
    fixture._retry("stop", {})
    assert fixture.threads.started == []
    leave.set()
    holder.join()
    fixture._retry("stop", {})
    assert len(fixture.threads.started) == 1


def test_a_turn_does_every_job_then_every_step(fixture: Fixture) -> None:
    done: list[str] = []
    stubs = StubConnection(), StubConnection()
    connected(fixture, *stubs)
    fixture._jobs.put(lambda: done.append("first"))
    fixture._jobs.put(lambda: done.append("second"))
    fixture._turn(fixture._jobs, 0.0)
    assert done == ["first", "second"]
    assert [stub.steps for stub in stubs] == [[1000.0], [1000.0]]


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
    assert said == [absence.text("ipc:///tmp/here", 1000)]


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
