"""The wall clock of a real daemon or client is set, with libfaketime; nothing waits for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from time import time

import pytest
import zmq

from tests.integration.librato_server import LibratoServer
from tests.integration.processes import Process, daemon, eventually, python
from tests.integration.sink import Sink
from tests.integration.wall_clock import LIBRARY, WallClock

HOUR = 3600
pytestmark = pytest.mark.skipif(LIBRARY is None, reason="no libfaketime: tests/packages.sh")

RECORD = """
import select, sys, threading, time
# libfaketime has Python's own sleep fail.
time.sleep = lambda seconds: select.select((), (), (), seconds)
# After the step another counter is counted.
def record(z, began=time.time()):
    while True:
        z.count("after" if time.time() < began - 1800 else "before")
        time.sleep(0.05)
"""
THREAD = """
from zibrato import Zibrato
record(Zibrato(sys.argv[1]))
"""
REACTOR = """
from twisted.internet import {reactor} as chosen
chosen.install()
from twisted.internet import reactor
from zibrato.tx import TxZibrato
z = TxZibrato(sys.argv[1])
reactor.callWhenRunning(z.startService)
threading.Thread(target=record, args=[z], daemon=True).start()
reactor.run()
"""


class Daemon:
    """A daemon that ships every second, by a wall clock that can be set."""

    def __init__(self, directory: Path, *options: str) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._push = self._context.socket(zmq.PUSH)
        self._push.connect(f"ipc://{directory}/socket")
        self.clock = WallClock(directory)
        self.process: Process = daemon(
            *("--socket", f"ipc://{directory}/socket", "--flush-interval", "1", *options),
            environment=self.clock.environment,
        )

    def count(self, name: str, value: int = 1) -> None:
        """Send it a line."""
        self._push.send(f"info|counter|{name}|{value}".encode())

    def wait_for_start(self, name: str) -> int:
        """Return the start of the interval in which the log backend has the series."""
        return int(self.process.wait_for(rf'"start":(\d+).*"name":"{name}"')[1])

    def close(self) -> None:
        """End it."""
        self._push.close(linger=0)
        self._context.destroy(linger=0)
        with self.process:
            self.process.stop()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Starts daemons, and ends them with the test."""
    started = []

    def start(*options: str) -> Daemon:
        started.append(Daemon(tmp_path, *options))
        return started[-1]

    yield start
    for running in started:
        running.close()


@pytest.mark.parametrize("step", [-HOUR, HOUR])
@pytest.mark.attack(
    "a wall clock that is set forward and back", before="nothing was flushed until it was back"
)
def test_flushes_go_on_when_the_clock_is_set(start: Callable[..., Daemon], step: int) -> None:
    running = start("--backend", "log")
    running.count("before")
    assert abs(running.wait_for_start("before") - time()) < HOUR / 2
    running.clock.set(step)
    running.process.wait_for("the clock was set (back|forward) by 3[56]")
    for name in ("first", "second", "third"):  # one by one: each needs a tick of its own
        running.count(name)
        assert abs(running.wait_for_start(name) - time() - step) < HOUR / 2
    running.process.wait_for(r'"name":"zibrato.clock.steps".*"sum":1')
    assert len(re.findall("the clock was set", running.process.output)) == 1


@pytest.mark.attack(
    "a wall clock that is set back in an outage", before="nothing was retried until it was back"
)
def test_retries_go_on_when_the_clock_is_set_back(start: Callable[..., Daemon]) -> None:
    with LibratoServer() as server:
        running = start(
            *("--username", server.username, "--apikey", server.apikey, "--hostname", server.url)
        )
        server.stop()
        running.count("kept", 7)
        running.process.wait_for("can't deliver")
        running.clock.set(-HOUR)
        running.process.wait_for("the clock was set back")
        server.start()
        eventually(lambda: server.total("kept") == 7, 90)


@pytest.mark.parametrize(
    "program",
    [THREAD, *(REACTOR.format(reactor=name) for name in ("epollreactor", "asyncioreactor"))],
    ids=["thread", "epoll", "asyncio"],
)
def test_a_client_sends_on_when_the_clock_is_set_back(
    sink: Sink, tmp_path: Path, program: str
) -> None:
    clock = WallClock(tmp_path)

    def came(name: str) -> bool:
        sink.take(10)
        return sink.counts[name] > 0

    with python(RECORD + program, sink.endpoint, environment=clock.environment):
        eventually(lambda: came("before"), 60)
        clock.set(-HOUR)
        eventually(lambda: came("after"), 60)
