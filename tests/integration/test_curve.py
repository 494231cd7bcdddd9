"""Keys of CURVE: a real daemon, and clients that have them, have others, or have none."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.processes import Process, daemon, eventually, python
from zibrato import Zibrato
from zibrato.commands.keygen import make_keys

CLIENT = """
import logging, sys, threading
from zibrato import Zibrato, curve
from zibrato.client import absence
absence.PATIENCE, curve.HANDSHAKE = 0.1, 300
said = threading.Event()
class Handler(logging.StreamHandler):
    def emit(self, record):
        super().emit(record)
        said.set()
logging.getLogger("zibrato").addHandler(Handler())
z = Zibrato(linger=0.5)
z.count(name=sys.argv[1], value=7)
print(f"sent {z.flush(float(sys.argv[2]))}", flush=True)
if "absent" in sys.argv[3:]:
    assert said.wait(60)
if "late" in sys.argv[3:]:
    print(f"sent at last {z.flush(60)}", flush=True)
"""


class Hosts:
    """Directories of keys as on three hosts, and a daemon which knows one of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.keys, self.known, self.unknown = (path / name for name in ("keys", "known", "unknown"))
        make_keys(self.keys, "server")
        for directory in (self.known, self.unknown):
            make_keys(directory, directory.name)
            (directory / "server.key").write_text((self.keys / "server.key").read_text())
        self.authorise(self.known)
        self.mistaken = path / "mistaken"  # about who the daemon is
        make_keys(self.mistaken, "mistaken")
        (self.mistaken / "server.key").write_text((self.mistaken / "mistaken.key").read_text())
        self.log = path / "log.json"
        self.process = daemon(
            *("--socket", "tcp://0.0.0.0:*", "--socket", f"ipc://{path}/socket"),
            *("--socket", "tcp://127.0.0.1:*", "--curve-keys", str(self.keys)),
            *("--backend", f"log:path={self.log}", "--flush-interval", "0.5"),
        )
        port = self.process.wait_for(r"listening on tcp://0.0.0.0:(\d+)")[1]
        self.remote = f"tcp://127.0.0.1:{port}"
        self.local = self.process.wait_for(r"listening on (tcp://127.0.0.1:\d+)")[1]

    def authorise(self, directory: Path) -> None:
        name = f"{directory.name}.key"
        (self.keys / "clients" / name).write_text((directory / name).read_text())

    def client(self, name: str, timeout: float, keys: Path | None, *more: str) -> Process:
        environment = {"ZIBRATO_SOCKET": self.remote}
        if keys is not None:
            environment["ZIBRATO_CURVE"] = str(keys)
        return python(CLIENT, name, str(timeout), *more, environment=environment)

    def has(self, name: str, *words: str) -> bool:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return any(all(word in line for word in (f'"{name}"', *words)) for line in lines)


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    made = Hosts(tmp_path_factory.mktemp("hosts"))
    with made.process:
        yield made
        made.process.stop()
        assert "Traceback" not in made.process.output
        for directory in (made.keys, made.known, made.unknown):
            for file in directory.glob("*.key_secret"):
                (secret,) = re.findall('secret-key = "(.*)"', file.read_text())
                assert secret not in made.process.output


def test_who_has_a_key_that_is_known_gets_in_and_nobody_else(hosts: Hosts) -> None:
    clients = {
        "authorised": hosts.client("authorised", 30, hosts.known),
        "other": hosts.client("other", 0.5, hosts.unknown, "absent"),
        "mistaken": hosts.client("mistaken", 0.5, hosts.mistaken),
        "plain": hosts.client("plain", 0.5, None, "absent"),
    }
    for name, process in clients.items():
        with process:
            assert process.wait() == 0, process.output
            assert f"sent {name == 'authorised'}" in process.output
    question = f"no daemon accepts zibrato's measurements: is there a daemon at {hosts.remote} that"
    assert f"{question} knows this client's key?" in clients["other"].output
    assert f"{question[:-5]}?" in clients["plain"].output
    eventually(lambda: hosts.has("authorised"))
    for reason in ("unauthorised", "handshake"):
        eventually(lambda: hosts.has("zibrato.intake.rejected", f'"{reason}"'))  # noqa: B023 - called at once
    assert not hosts.has("other")
    assert not hosts.has("plain")
    assert not hosts.has("mistaken")
    assert "rejected a client" in hosts.process.output


def test_local_clients_need_no_keys(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, endpoint in (("ipc", f"ipc://{hosts.path}/socket"), ("loopback", hosts.local)):
        with Zibrato(endpoint, linger=30) as z:
            z.count(name=name)
        eventually(lambda: hosts.has(name))  # noqa: B023 - called at once
    monkeypatch.setenv("ZIBRATO_CURVE", str(hosts.known))
    with Zibrato(f"ipc://{hosts.path}/socket", linger=30) as z:
        z.count(name="ipc.with.keys")
    eventually(lambda: hosts.has("ipc.with.keys"))


def test_a_key_that_is_put_there_or_taken_away_holds_after_hup(hosts: Hosts) -> None:
    with hosts.client("late", 0.3, hosts.unknown, "late") as process:
        process.wait_for("sent False")
        hosts.authorise(hosts.unknown)
        hosts.process.send(signal.SIGHUP)
        process.wait_for("sent at last True")
        assert process.wait() == 0
    eventually(lambda: hosts.has("late"))
    with Zibrato(hosts.remote, curve=hosts.unknown) as z:
        z.count(name="before")
        assert z.flush(30)
        eventually(lambda: hosts.has("before"))
        (hosts.keys / "clients" / "unknown.key").unlink()
        hosts.process.send(signal.SIGHUP)
        hosts.process.wait_for(r"let in over CURVE: known\n(.*\n)*.*let in over CURVE: known$")
        z.count(name="after")  # over the connection that it has
        z.flush(30)
        hosts.process.wait_for("was removed, but")
    assert not hosts.has("after")
