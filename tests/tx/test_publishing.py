"""The guard of calls that may not return; what publishes is tested with its intake."""

from __future__ import annotations

import threading

import pytest

from zibrato.tx.publishing import CallGuard


def test_a_call_that_takes_too_long_is_interrupted_and_no_other() -> None:
    interrupted = threading.Event()
    guard = CallGuard(interrupted.set)
    with guard.watching():
        pass
    assert not interrupted.is_set()
    with guard.watching():
        assert interrupted.wait(30)
    guard.stop()


def test_where_no_thread_can_be_started_nothing_is_watched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    guard = CallGuard(lambda: None)
    with guard.watching():
        pass
    guard.stop()
