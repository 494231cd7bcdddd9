"""Flushing: every connection in its turn, none past its deadline, all closed whatever one does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from zibrato.client import flushing
from zibrato.client.connection import Connection
from zibrato.client.flushing import SLICE, Deadlines


class Time:
    """A clock that moves where somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


class StubContext:
    """Notes that it was ended."""

    def __init__(self, log: list[str], name: str) -> None:
        self._log = log
        self._name = name

    def term(self) -> None:
        self._log.append(f"end {self._name}")
        if self._name == "broken":
            raise OSError


class StubConnection:
    """Has `pending` batches, of which each wait sends one where a daemon is there."""

    def __init__(self, time: Time, log: list[str], name: str, pending: int, sends: bool) -> None:
        self.pending = pending
        self.open = True
        self.waits: list[int] = []
        self.lingers: list[float] = []
        self.has_context = True
        self._time, self._log, self._name, self._sends = time, log, name, sends

    def wait(self, milliseconds: int) -> None:
        self.waits.append(milliseconds)
        self._log.append(self._name)
        if self._sends:
            self.pending -= 1
        else:
            self._time.now += max(milliseconds, 1) / 1000

    def close(self, linger: float) -> StubContext | None:
        self.lingers.append(linger)
        self._log.append(f"close {self._name}")
        if self._name == "failing":
            raise MemoryError
        return StubContext(self._log, self._name) if self.has_context else None


Make = Callable[..., StubConnection]


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    fake = Time()
    monkeypatch.setattr(flushing, "time", fake)
    return fake


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def make(time: Time, log: list[str]) -> Make:
    def connection(name: str, pending: int = 0, sends: bool = True) -> StubConnection:
        return StubConnection(time, log, name, pending, sends)

    return connection


def within(seconds: float, *connections: StubConnection) -> Deadlines:
    return [(cast(Connection, cast(Any, stub)), 100 + seconds) for stub in connections]


def test_with_nothing_pending_it_is_done_at_once(make: Make) -> None:
    idle = make("idle")
    assert flushing.flush(within(1, idle))
    assert idle.waits == []


def test_connections_take_turns(make: Make, log: list[str]) -> None:
    assert flushing.flush(within(1, make("a", 2), make("b", 3)))
    assert log == ["a", "b", "a", "b", "b"]


def test_one_whose_daemon_is_away_has_its_time_and_no_other_waits_for_it(
    make: Make, log: list[str], time: Time
) -> None:
    away, there = make("away", 1, sends=False), make("there", 3)
    assert not flushing.flush([*within(0.12, away), *within(5, there)])
    assert log[:6] == ["away", "there"] * 3
    assert there.pending == 0
    assert time.now == pytest.approx(100.12, abs=0.005)
    assert max(away.waits) == 1000 * SLICE


def test_each_has_a_deadline_of_its_own(make: Make) -> None:
    early, late = make("early", 1, sends=False), make("late", 1, sends=False)
    assert not flushing.flush([*within(0.05, early), *within(0.5, late)])
    assert len(late.waits) > 5 * len(early.waits)


def test_nobody_waits_for_a_connection_without_a_socket(make: Make) -> None:
    closed = make("closed", 1)
    closed.open = False
    assert not flushing.flush(within(1, closed))
    assert closed.waits == []


def test_all_are_closed_for_what_is_left_of_their_time_then_their_contexts_end(
    make: Make, log: list[str], time: Time
) -> None:
    one, two, shared = make("one"), make("two"), make("shared")
    shared.has_context = False
    time.now += 2
    flushing.close([*within(5, one), *within(1, two), *within(3, shared)])
    assert (one.lingers, two.lingers, shared.lingers) == ([3], [-1], [1])
    assert log == ["close one", "close two", "close shared", "end one", "end two"]


def test_what_one_does_wrong_keeps_no_other_from_closing(make: Make, log: list[str]) -> None:
    flushing.close(within(1, make("failing"), make("broken"), make("last")))
    assert log == ["close failing", "close broken", "close last", "end broken", "end last"]
