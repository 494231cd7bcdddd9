"""A browser, and daemons for it: an empty one, one with the example program, one with a shop."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from tests.integration.browser import Tab, browser
from tests.integration.page.store_daemon import StoreDaemon
from tests.integration.processes import ROOT, Process, eventually
from tests.integration.shop import SHOP, send_history


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    with browser() as running:
        yield running


@pytest.fixture
def tab(chromium: Any) -> Iterator[Tab]:
    made = Tab(chromium)
    yield made
    made.context.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[StoreDaemon]:
    made = StoreDaemon(tmp_path)
    made.start()
    yield made
    with made.process:
        made.stop()


@pytest.fixture
def demo(served: StoreDaemon) -> Iterator[StoreDaemon]:
    with Process([sys.executable, str(ROOT / "examples/demo.py"), served.socket]):
        yield served


@pytest.fixture(scope="package")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreDaemon]:
    """A daemon that has five minutes of a shop's measurements."""
    made = StoreDaemon(tmp_path_factory.mktemp("shop"))
    made.start()
    with made.process:
        with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
            socket.connect(made.socket)
            send_history(socket, 300, 1)
            eventually(lambda: len(made.names()) == len(SHOP))
        yield made
        made.stop()
