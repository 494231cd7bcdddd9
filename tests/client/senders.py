"""Senders whose thread never runs, on a clock that a test moves."""

from __future__ import annotations

import gc
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from zibrato.client import sender
from zibrato.client.connection import Connection
from zibrato.client.connector import Connector
from zibrato.client.sender import Sender
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
