"""The resource check: what is missing is told before libzmq aborts, and nothing is left behind."""

from __future__ import annotations

import _thread
import errno
import os
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import zmq

from zibrato.client import resource_check
from zibrato.client.resource_check import DESCRIPTORS, THREADS, check_resources


class Pipes:
    """Counts descriptors that are open; there are `room` of them."""

    def __init__(self, room: int, error: int = errno.EMFILE) -> None:
        self.room = room
        self.error = error
        self.open: set[int] = set()
        self.most = 0

    def pipe(self) -> tuple[int, int]:
        if len(self.open) + 2 > self.room:
            raise OSError(self.error, "no more")
        pair = (len(self.open), len(self.open) + 1)
        self.open.update(pair)
        self.most = max(self.most, len(self.open))
        return pair

    def close(self, descriptor: int) -> None:
        self.open.remove(descriptor)


def with_pipes(monkeypatch: pytest.MonkeyPatch, pipes: Pipes) -> None:
    monkeypatch.setattr(resource_check, "os", SimpleNamespace(pipe=pipes.pipe, close=pipes.close))


def test_with_room_it_passes_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pipes = Pipes(DESCRIPTORS)
    with_pipes(monkeypatch, pipes)
    before = {*threading.enumerate()}  # of which some may end meanwhile
    check_resources()
    assert (pipes.most, pipes.open) == (DESCRIPTORS, set())
    assert {*threading.enumerate()} <= before


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENFILE])
def test_without_descriptors_it_raises_what_the_system_said(
    monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    pipes = Pipes(DESCRIPTORS - 1, error)
    with_pipes(monkeypatch, pipes)
    with pytest.raises(zmq.ZMQError) as raised:
        check_resources()
    assert raised.value.errno == error
    assert pipes.open == set()


class Threads:
    """Starts real threads while there is room."""

    def __init__(self, room: int, error: type[Exception]) -> None:
        self.room = room
        self.error = error
        self.ended: list[threading.Event] = []

    def start_new_thread(self, function: Callable[[], None], _arguments: tuple[Any, ...]) -> int:
        if len(self.ended) >= self.room:
            raise self.error
        ended = threading.Event()
        self.ended.append(ended)

        def run() -> None:
            function()
            ended.set()

        return _thread.start_new_thread(run, ())


@pytest.mark.parametrize("error", [RuntimeError, MemoryError])
@pytest.mark.parametrize("room", [0, THREADS - 1])
def test_without_threads_it_raises_and_ends_those_that_it_got(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception], room: int
) -> None:
    threads = Threads(room, error)
    monkeypatch.setattr(resource_check, "_thread", threads)
    monkeypatch.setattr(resource_check, "BuiltinFunctionType", object)
    with pytest.raises(zmq.ZMQError) as raised:
        check_resources()
    assert raised.value.errno == errno.EAGAIN
    assert len(threads.ended) == room
    assert all(ended.wait(30) for ended in threads.ended)


def test_it_has_all_threads_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = Threads(THREADS, RuntimeError)
    monkeypatch.setattr(resource_check, "_thread", threads)
    monkeypatch.setattr(resource_check, "BuiltinFunctionType", object)
    check_resources()
    assert len(threads.ended) == THREADS


def test_greenlets_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of gevent's is started by a function in Python."""
    monkeypatch.setattr(resource_check, "_thread", Threads(0, RuntimeError))
    check_resources()


def test_the_system_has_everything_back() -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    if not os.path.exists("/proc/self/fd"):
        pytest.skip("the platform has no /proc")
    before = descriptors()
    check_resources()
    assert descriptors() == before
