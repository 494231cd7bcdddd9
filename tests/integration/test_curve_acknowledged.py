"""Acknowledged clients with keys, of a daemon that is killed: exactly what was made."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import soak
from tests.integration.librato_server import LibratoServer
from tests.integration.processes import eventually, module, python
from tests.integration.shipping import COUNTING, hold_for, made_by, shipping
from tests.integration.tally import Tally, repeated
from tests.ports import free_port
from zibrato.commands.keygen import make_keys

KILLS = 2 if soak.SHARE < 0.1 else soak.rounds(40)
IN_A_REACTOR = """
import os
from twisted.internet import reactor, task
from zibrato.tx import TxZibrato
z, made = TxZibrato(linger=60, source="reactor"), []
loop = task.LoopingCall(lambda: made.append(z.count(name="hits")))
def start():
    z.startService()
    loop.start(0.002)
    print("started", flush=True)
async def stop():
    loop.stop()
    await z.stopService()
    print("made", len(made), z._connection.pending == 0, flush=True)
    print("dropped", dict(z.dropped), flush=True)
reactor.callWhenRunning(start)
from twisted.internet.defer import ensureDeferred
reactor.addSystemEventTrigger("before", "shutdown", lambda: ensureDeferred(stop()))
reactor.run()
os._exit(0)
"""


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A directory with the keys of both sides, as on one host."""
    made = tmp_path / "keys"
    make_keys(made, "server")
    make_keys(made, "web-1")
    (made / "clients" / "web-1.key").write_text((made / "web-1.key").read_text())
    return made


@pytest.mark.fault("over CURVE: the daemon is killed (-9)")
def test_acknowledged_clients_with_keys_lose_and_double_nothing(
    tmp_path: Path, keys: Path, account_for: Callable[[Tally], None]
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    forth, back = free_port(), free_port()
    ends = ("--acknowledgements", f"tcp://0.0.0.0:{back}", "--curve-keys", str(keys))
    options = (*ends, "--outbox", str(tmp_path / "outbox"))
    endpoint = f"tcp://0.0.0.0:{forth}"
    environment = {
        "ZIBRATO_SOCKET": f"tcp://127.0.0.1:{forth}",
        "ZIBRATO_ACKNOWLEDGED": f"tcp://127.0.0.1:{back}",
        "ZIBRATO_CURVE": str(keys),
    }
    with (
        LibratoServer() as server,
        module(COUNTING, **environment) as threaded,
        python(IN_A_REACTOR, environment=environment) as in_a_reactor,
    ):
        for program in (threaded, in_a_reactor):
            program.wait_for("started")
        for _ in range(KILLS):
            with shipping(server, endpoint, *options) as process:
                eventually_from_both(server)
                hold_for(chance.random())()  # else each kill came before a delivery is noted
                process.stop(signal.SIGKILL)
        with shipping(server, endpoint, *options) as last:
            made = made_by([threaded, in_a_reactor])
            last.stop(signal.SIGQUIT)
        assert "Traceback" not in last.output
        again = repeated(server.measurements("hits"))
        account_for(Tally(made, server.count("hits"), KILLS, duplicated=again))


def eventually_from_both(server: LibratoServer) -> None:
    """Return once more has come from both clients."""
    before = len(server.measurements("hits"))

    def sources() -> set[str]:
        return {gauge["source"] for gauge in server.measurements("hits")[before:]}

    eventually(lambda: len(sources()) == 2)
