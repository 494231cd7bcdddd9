"""Jobs that return, raise, or never end, in a real thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.processes import eventually
from zibrato.client import reader
from zibrato.client.reader import Reader


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time out at once where that is what is tested, and not where it isn't."""
    monkeypatch.setattr(reader, "PATIENCE", 10.0)


@pytest.fixture
def event() -> Iterator[threading.Event]:
    """What jobs wait for, and get in the end."""
    event = threading.Event()
    yield event
    event.set()


def test_it_does_jobs_in_one_thread_of_its_own() -> None:
    one = Reader()
    threads: set[int] = set()

    def job() -> bool:
        threads.add(threading.get_ident())
        return True

    assert (one.run(job), one.run(job), one.run(lambda: False)) == (True, True, False)
    assert threads == {one.thread} != {threading.get_ident()}


def test_nobody_waits_for_one_that_is_late(
    event: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Reader()
    monkeypatch.setattr(reader, "PATIENCE", 0.01)
    with pytest.raises(TimeoutError):
        one.run(event.wait)
    monkeypatch.setattr(reader, "PATIENCE", 1000.0)
    assert not one.run(lambda: True)
    event.set()
    eventually(lambda: one.run(lambda: True))


def test_a_job_that_raises_ends_nothing() -> None:
    one = Reader()
    for error in (ValueError, SystemExit):

        def job(error: type[BaseException] = error) -> bool:
            raise error

        assert not one.run(job)
    assert one.run(lambda: True)


def test_without_a_thread_to_be_had_the_caller_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("_thread.start_new_thread", refuse)
    here = threading.get_ident()
    assert Reader().run(lambda: threading.get_ident() == here)


def test_a_child_has_another_thread() -> None:
    one = Reader()
    assert one.run(lambda: True)
    before = one.thread
    one.restart()
    assert one.thread is None
    assert one.run(lambda: True)
    assert one.thread != before


def test_its_thread_can_be_ended() -> None:
    one = Reader()
    thread = threading.Thread(target=one._run, args=(one._jobs, threading.get_native_id()))
    thread.start()
    one.end()
    thread.join(10)
    assert not thread.is_alive()
    assert one.run(lambda: True)


@contextmanager
def busy(one: Reader, event: threading.Event) -> Iterator[None]:
    """Have a reader do a job that lasts until `event`; wait for its end after the block."""
    inside = threading.Event()

    def job() -> bool:
        inside.set()
        return event.wait(10)

    thread = threading.Thread(target=one.run, args=(job,))
    thread.start()
    assert inside.wait(10)
    yield
    thread.join()


def test_a_fork_waits_until_no_job_runs(event: threading.Event) -> None:
    one = Reader()
    waited: list[bool] = []

    def fork() -> None:
        one.before_fork()
        waited.append(event.is_set())
        one.after_fork()

    forking = threading.Thread(target=fork)
    with busy(one, event):
        forking.start()
        forking.join(0.05)  # time enough to fork too early
        event.set()
    forking.join()
    assert waited == [True]
    assert one.run(lambda: True)


def test_a_fork_does_not_wait_for_a_job_that_is_late_or_forks_itself(
    event: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Reader()

    def fork() -> bool:
        one.before_fork()
        one.after_fork()
        return True

    assert one.run(fork)
    monkeypatch.setattr(reader, "PATIENCE", 0.01)
    with pytest.raises(TimeoutError):
        one.run(event.wait)
    monkeypatch.setattr(reader, "PATIENCE", 1000.0)
    assert fork()
    event.set()
    eventually(lambda: one.run(fork))


def test_a_child_is_not_kept_by_a_job_of_its_parents(event: threading.Event) -> None:
    one = Reader()
    with busy(one, event):
        one.restart()
        assert one.run(lambda: True)
        event.set()
