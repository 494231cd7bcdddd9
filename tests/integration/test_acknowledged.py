"""Acknowledged clients, over networks that fail, to daemons that stop: exactly what was made."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic

import pytest

from tests import soak
from tests.integration.librato_server import LibratoServer
from tests.integration.processes import Process, daemon, eventually, module, python
from tests.integration.proxy import Proxy
from tests.integration.wall_clock import LIBRARY, WallClock
from zibrato.daemon.options import Options

COUNTING = "tests.integration.programs.counting"
KILLS = 5 if soak.SHARE < 0.1 else soak.rounds(200)
ENDS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGQUIT)
SECONDS = soak.seconds(100)


FLUSHING = """
import sys
from zibrato import Zibrato
z, made = Zibrato(sys.argv[1], acknowledged=True), 0
while True:
    for _ in range(100):
        z.count(name=sys.argv[2])
    made += 100
    if z.flush(30):
        print("safe", made, flush=True)
"""


IN_A_REACTOR = """
import sys
from twisted.internet import reactor, task
from zibrato.tx import TxZibrato
z, made = TxZibrato(sys.argv[1], acknowledged=True, linger=30), []
loop = task.LoopingCall(lambda: made.append(z.count(name="hits")))
reactor.callWhenRunning(z.startService)
reactor.callWhenRunning(loop.start, 0.01)
reactor.callLater(1, reactor.stop)
reactor.addSystemEventTrigger("before", "shutdown", lambda: (loop.stop(), z.stopService())[1])
reactor.run()
print("made", len(made), z._connection.pending, dict(z.dropped), flush=True)
"""


def a_daemon(
    server: LibratoServer,
    endpoint: str,
    *options: str,
    environment: Mapping[str, str] | None = None,
) -> Process:
    account = ("--username", server.username, "--apikey", server.apikey, "--hostname", server.url)
    return daemon(
        *("--socket", endpoint, "--flush-interval", "1", "--stop-timeout", "20"),
        *account,
        *options,
        environment=environment,
    )


@contextmanager
def counting(number: int, socket: str, acknowledged: str) -> Iterator[Sequence[Process]]:
    """Have so many programs count."""
    with ExitStack() as stack:
        programs = [
            stack.enter_context(
                module(COUNTING, ZIBRATO_SOCKET=socket, ZIBRATO_ACKNOWLEDGED=acknowledged)
            )
            for _ in range(number)
        ]
        for program in programs:
            program.wait_for("started")
        yield programs


def made_by(programs: Sequence[Process]) -> int:
    """End the programs, which must have had everything acknowledged; return what they made."""
    made = 0
    for program in programs:
        program.send(signal.SIGTERM)
    for program in programs:
        told = program.wait_for(r"made (\d+) (\w+)", deadline=120)
        assert told[2] == "True"
        made += int(told[1])
        assert program.wait() == 0
        assert "dropped {}" in program.output
    return made


def stall(proxies: Sequence[Proxy], hold: Callable[[], None]) -> None:
    proxies[0].stalled = True
    hold()
    proxies[0].stalled = False


def stall_answers(proxies: Sequence[Proxy], hold: Callable[[], None]) -> None:
    proxies[1].stalled = True
    hold()
    proxies[1].stalled = False


def swallow(proxies: Sequence[Proxy], hold: Callable[[], None]) -> None:
    proxies[0].swallowing = True
    hold()
    proxies[0].cut()
    proxies[0].swallowing = False
    proxies[0].cut()


def delay(proxies: Sequence[Proxy], hold: Callable[[], None]) -> None:
    for proxy in proxies:
        proxy.delay = 0.02
    hold()
    for proxy in proxies:
        proxy.delay = 0.0


def cut(proxies: Sequence[Proxy], hold: Callable[[], None]) -> None:
    proxies[0].cut()
    hold()


def cut_answers(proxies: Sequence[Proxy], hold: Callable[[], None]) -> None:
    proxies[1].cut()
    hold()


FAILURES = (stall, stall_answers, swallow, delay, cut, cut_answers)


def hold_for(seconds: float) -> Callable[[], None]:
    """Return what waits for so long."""

    def hold() -> None:
        end = monotonic() + seconds
        eventually(lambda: monotonic() >= end)

    return hold


@pytest.mark.soak
def test_a_network_that_fails_loses_and_doubles_nothing(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    endpoint = f"ipc://{tmp_path}/socket"
    with (
        LibratoServer() as server,
        a_daemon(server, endpoint) as process,
        Proxy(endpoint) as forth,
        Proxy(f"{endpoint}.ack") as back,
        counting(2, forth.endpoint, back.endpoint) as programs,
    ):
        end = monotonic() + SECONDS
        failures = 0
        while monotonic() < end:
            chance.choice(FAILURES)((forth, back), hold_for(chance.random() / 2))
            failures += 1
        made = made_by(programs)
        process.stop(signal.SIGQUIT)
        print(f"made {made}, received {server.count('hits')}: {failures} failures")
        assert server.count("hits") == made


@pytest.mark.soak
@pytest.mark.skipif("outbox" not in Options(), reason="the outbox is in memory alone")
def test_a_daemon_that_is_killed_at_any_instant_loses_and_doubles_nothing(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    endpoint = f"ipc://{tmp_path}/socket"
    options = ("--outbox", str(tmp_path / "outbox"))
    with LibratoServer() as server, counting(4, endpoint, "1") as programs:
        for _ in range(KILLS):
            with a_daemon(server, endpoint, *options) as process:
                hold_for(chance.random())()
                process.stop(chance.choice(ENDS))
        with a_daemon(server, endpoint, *options) as last:
            made = made_by(programs)
            last.stop(signal.SIGQUIT)
        received = server.count("hits")
        print(f"made {made}, received {received}: {KILLS} kills")
        assert received == made


@pytest.mark.soak
def test_processes_that_are_stopped_for_a_while_lose_and_double_nothing(tmp_path: Path) -> None:
    chance = random.Random(1)
    endpoint = f"ipc://{tmp_path}/socket"
    with (
        LibratoServer() as server,
        a_daemon(server, endpoint) as process,
        counting(2, endpoint, "1") as programs,
    ):
        end = monotonic() + SECONDS
        while monotonic() < end:
            victim = chance.choice([process, *programs])
            victim.send(signal.SIGSTOP)
            hold_for(chance.random() / 2)()
            victim.send(signal.SIGCONT)
        made = made_by(programs)
        process.stop(signal.SIGQUIT)
        print(f"made {made}, received {server.count('hits')}")
        assert server.count("hits") == made


def test_what_a_client_was_told_is_there_though_it_is_killed(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/socket"
    chance = random.Random(2)
    safe = {}
    with LibratoServer() as server:
        with a_daemon(server, endpoint) as process:
            for name in ("a", "b", "c"):
                with python(FLUSHING, endpoint, name) as client:
                    client.wait_for("safe 200")
                    hold_for(chance.random() / 4)()
                    client.stop(signal.SIGKILL)
                    safe[name] = int(client.output.split()[-1])
            process.stop()
        for name, made in safe.items():
            assert made <= server.count(name) <= made + 100
            assert server.count(name) % 100 == 0


@pytest.mark.skipif(LIBRARY is None, reason="no libfaketime: tests/packages.sh")
def test_a_clock_that_is_set_loses_and_doubles_nothing(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/socket"
    clock = WallClock(tmp_path)
    with (
        LibratoServer() as server,
        a_daemon(server, endpoint, environment=clock.environment) as process,
        counting(2, endpoint, "1") as programs,
    ):
        for number, offset in enumerate((3600, -3600, 0), 1):
            clock.set(offset)
            # Two steps before a look at the clock would be one to the daemon.
            process.wait_for("the clock was set[^~]*" * number)
            before = server.count("hits")
            eventually(lambda seen=before: server.count("hits") > seen)  # type: ignore[misc]
        made = made_by(programs)
        process.stop()
        assert server.count("hits") == made


def test_in_a_reactor_a_stop_waits_for_the_acknowledgement(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/socket"
    with LibratoServer() as server, a_daemon(server, endpoint) as process:
        with python(IN_A_REACTOR, endpoint) as program:
            made = int(program.wait_for(r"made (\d+) 0 {}")[1])
            assert program.wait() == 0
        process.stop(signal.SIGQUIT)
        assert server.count("hits") == made > 0
