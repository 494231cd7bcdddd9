"""Acknowledged clients of daemons that are killed, stopped or cut off: exactly what was made."""

from __future__ import annotations

import random
import re
import signal
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from tests import soak
from tests.integration.librato_server import LibratoServer
from tests.integration.processes import Process, eventually, python
from tests.integration.shipping import counting, hold_for, made_by, shipping
from tests.integration.tally import Tally, repeated
from tests.integration.wall_clock import LIBRARY, WallClock
from zibrato import Zibrato

KILLS = 3 if soak.SHARE < 0.1 else soak.rounds(200)
KILLED_CLIENTS = soak.rounds(60)
ENDS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGQUIT)
LINGER = 20.0
SECONDS = soak.seconds(100)
BATCH = 100


FLUSHING = """
import sys
from zibrato import Zibrato
z, made = Zibrato(sys.argv[1], acknowledged=True), 0
while True:
    made += 100
    print("made", made, flush=True)
    for _ in range(100):
        z.count(name="hits")
    if z.flush(30):
        print("safe", made, flush=True)
"""
"""Says what it makes before it does, and what is safe."""


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


@pytest.mark.soak
@pytest.mark.fault("the daemon is killed (-9), one time in four stopped")
def test_a_daemon_that_is_killed_at_any_instant_loses_and_doubles_nothing(
    tmp_path: Path, account_for: Callable[[Tally], None]
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    endpoint = f"ipc://{tmp_path}/socket"
    options = ("--outbox", str(tmp_path / "outbox"))
    with LibratoServer() as server, counting(4, endpoint, "1") as programs:
        for _ in range(KILLS):
            with shipping(server, endpoint, *options) as process:
                hold_for(chance.random())()
                process.stop(chance.choice(ENDS))
        with shipping(server, endpoint, *options) as last:
            made = made_by(programs)
            last.stop(signal.SIGQUIT)
        again = repeated(server.measurements("hits"))
        account_for(Tally(made, server.count("hits"), KILLS, duplicated=again))


@pytest.mark.soak
@pytest.mark.fault("the daemon or a client stands still (SIGSTOP)")
def test_processes_that_are_stopped_for_a_while_lose_and_double_nothing(
    tmp_path: Path, account_for: Callable[[Tally], None]
) -> None:
    chance = random.Random(1)
    endpoint = f"ipc://{tmp_path}/socket"
    with (
        LibratoServer() as server,
        shipping(server, endpoint) as process,
        counting(2, endpoint, "1") as programs,
    ):
        end = monotonic() + SECONDS
        times = 0
        while monotonic() < end:
            victim = chance.choice([process, *programs])
            victim.send(signal.SIGSTOP)
            hold_for(chance.random() / 2)()
            victim.send(signal.SIGCONT)
            times += 1
        made = made_by(programs)
        process.stop(signal.SIGQUIT)
        account_for(Tally(made, server.count("hits"), times))


@pytest.mark.soak
@pytest.mark.fault("a client is killed (-9)")
def test_what_a_client_was_told_is_there_though_it_is_killed(
    tmp_path: Path, account_for: Callable[[Tally], None]
) -> None:
    """Of the batch that it was not told of all is there, or nothing."""
    endpoint = f"ipc://{tmp_path}/socket"
    chance = random.Random(2)
    made = safe = 0
    with LibratoServer() as server:
        with shipping(server, endpoint) as process:
            for _ in range(KILLED_CLIENTS):
                with python(FLUSHING, endpoint) as client:
                    client.wait_for(f"safe {2 * BATCH}")
                    hold_for(chance.random() / 4)()
                    client.stop(signal.SIGKILL)
                    made += last_of("made", client)
                    safe += last_of("safe", client)
            process.stop()
        delivered = server.count("hits")
    assert safe <= delivered <= made
    assert delivered % BATCH == 0
    account_for(Tally(made, delivered, KILLED_CLIENTS, dropped={"not sent yet": made - delivered}))


def last_of(word: str, client: Process) -> int:
    """Return the last number that it said so."""
    return int(re.findall(rf"^{word} (\d+)$", client.output, re.M)[-1])


@pytest.mark.skipif(LIBRARY is None, reason="no libfaketime: tests/packages.sh")
@pytest.mark.fault("the clock is set by an hour, both ways")
def test_a_clock_that_is_set_loses_and_doubles_nothing(
    tmp_path: Path, account_for: Callable[[Tally], None]
) -> None:
    endpoint = f"ipc://{tmp_path}/socket"
    clock = WallClock(tmp_path)
    with (
        LibratoServer() as server,
        shipping(server, endpoint, environment=clock.environment) as process,
        counting(2, endpoint, "1") as programs,
    ):
        offsets = (3600, -3600, 0)
        for number, offset in enumerate(offsets, 1):
            clock.set(offset)
            # Two steps before a look at the clock would be one to the daemon.
            process.wait_for("the clock was set[^~]*" * number)
            before = server.count("hits")
            eventually(lambda seen=before: server.count("hits") > seen)  # type: ignore[misc]
        made = made_by(programs)
        process.stop()
        account_for(Tally(made, server.count("hits"), len(offsets)))


@pytest.mark.fault("the backend is away, the daemon killed meanwhile")
def test_a_backend_that_is_away_loses_and_doubles_nothing(
    tmp_path: Path, account_for: Callable[[Tally], None]
) -> None:
    endpoint = f"ipc://{tmp_path}/socket"
    options = ("--outbox", str(tmp_path / "outbox"))
    with LibratoServer() as server, counting(2, endpoint, "1") as programs:
        with shipping(server, endpoint, *options) as process:
            eventually(lambda: server.count("hits"))
            server.stop()
            process.wait_for("can't deliver")
            process.stop(signal.SIGKILL)
        with shipping(server, endpoint, *options) as process:
            process.wait_for("can't deliver")
            server.start()
            made = made_by(programs)
            # A stop tries once more: what waits for its turn after a failure goes then.
            process.stop(signal.SIGQUIT)
        again = repeated(server.measurements("hits"))
        account_for(Tally(made, server.count("hits"), duplicated=again))


def test_one_that_gave_up_while_the_daemon_was_away_goes_on_when_it_is_opened_again(
    tmp_path: Path,
) -> None:
    endpoint = f"ipc://{tmp_path}/socket"
    early = Zibrato(endpoint, acknowledged=True, linger=0)
    early.count(name="hits")
    early.close()
    with LibratoServer() as server, shipping(server, endpoint) as process:
        late = Zibrato(endpoint, acknowledged=True)
        late.count(name="hits", value=10)
        assert late.flush(LINGER)
        late.close()
        process.stop(signal.SIGQUIT)
        assert server.total("hits") == 10


def test_in_a_reactor_a_stop_waits_for_the_acknowledgement(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/socket"
    with LibratoServer() as server, shipping(server, endpoint) as process:
        with python(IN_A_REACTOR, endpoint) as program:
            made = int(program.wait_for(r"made (\d+) 0 {}")[1])
            assert program.wait() == 0
        process.stop(signal.SIGQUIT)
        assert server.count("hits") == made > 0
