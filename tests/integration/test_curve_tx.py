"""Keys of CURVE in a reactor's client, and where the daemon is the one that connects."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.processes import Process, daemon, eventually, python
from tests.ports import free_port
from zibrato import Zibrato
from zibrato.commands.keygen import make_keys

PROGRAM = """
import sys
from twisted.internet import reactor, task
from zibrato.tx import TxZibrato
z = TxZibrato(sys.argv[1], curve=sys.argv[2], linger=30)
z.startService()
z.count(name="tx", value=7)
reactor.addSystemEventTrigger("before", "shutdown", z.stopService)
reactor.callLater(0, reactor.stop)
reactor.run()
print(dict(z.dropped))
"""


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A directory with the keys of both sides, as on one host."""
    made = tmp_path / "keys"
    make_keys(made, "server")
    make_keys(made, "web-1")
    (made / "clients" / "web-1.key").write_text((made / "web-1.key").read_text())
    return made


def started(keys: Path, endpoint: str) -> Process:
    log = f"log:path={keys}/log.json"
    options = ("--curve-keys", str(keys), "--backend", log, "--flush-interval", "0.5")
    return daemon("--socket", endpoint, *options)


def has(keys: Path, name: str) -> bool:
    log = keys / "log.json"
    return log.exists() and f'"{name}"' in log.read_text()


def test_a_reactor_s_client_has_keys_too(keys: Path) -> None:
    with started(keys, "tcp://0.0.0.0:*") as process:
        port = process.wait_for(r"listening on tcp://0.0.0.0:(\d+)")[1]
        with python(PROGRAM, f"tcp://127.0.0.1:{port}", str(keys)) as client:
            assert client.wait() == 0, client.output
            assert client.output == "{}\n"
        eventually(lambda: has(keys, "tx"))
        process.stop()
        assert "Traceback" not in process.output


def test_a_daemon_that_connects_asks_for_keys_as_well(keys: Path) -> None:
    port = free_port()
    with (
        started(keys, f"connect:tcp://0.0.0.0:{port}") as process,
        Zibrato(f"tcp://*:{port}", bind=True, linger=30, curve=keys) as z,
    ):
        z.count(name="bound", value=7)
        assert z.flush(30)
        eventually(lambda: has(keys, "bound"))
        process.stop()
        assert "Traceback" not in process.output
