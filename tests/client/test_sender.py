"""The sender without its thread: what it starts, and whom it serves."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.client.senders import HERE, THERE, Fixture, Flushed
from zibrato.client import sender
from zibrato.client.connector import Connector
from zibrato.client.limits import MAX_LINGER
from zibrato.client.sender import INTERVAL


@pytest.fixture
def fixture(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fixture]:
    made = Fixture(monkeypatch)
    gc.disable()  # a real collection would retry when a test doesn't expect it
    yield made
    gc.enable()
    while made.retries:
        gc.callbacks.remove(made._retry)


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> Flushed:
    return Flushed(monkeypatch)


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
    closed.step(1.0)
    closed.close(0.0)
    one = flushed.acquire(THERE, 2.0, 10)
    flushed.finish()
    assert flushed.flushed == [([one], 2.0, True)]
    assert one.users == 0


def test_who_comes_after_the_end_and_a_late_release_is_a_user(flushed: Flushed) -> None:
    connection = flushed.acquire(HERE, 1.0, 10)
    flushed.finish()
    connection.step(1.0)
    connection.close(0.0)
    flushed.release(connection)
    flushed.acquire(HERE, 1.0, 10)
    assert connection.users == 1
    assert not connection.closed


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


def test_a_finalizer_at_the_interpreters_end_waits_for_no_thread_that_has_stopped(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = fixture.acquire(HERE, 1.0, 10)
    monkeypatch.setattr(sender, "sys", SimpleNamespace(is_finalizing=lambda: True))
    fixture._lock.acquire()

    def finalize() -> None:
        fixture.acquire(THERE, 1.0, 10)
        fixture.release(connection)

    finalizer = threading.Thread(target=finalize, daemon=True)
    finalizer.start()
    finalizer.join(10)
    assert not finalizer.is_alive()
    assert connection.users == 0


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
