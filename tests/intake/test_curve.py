"""Sockets that ask for keys: what is answered about clients, what is counted, what HUP changes.

tests/integration/test_curve.py has real clients.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
import zmq
from twisted.logger import capturedLogs, formatEvent
from zmq.utils import z85

from tests.fake_reactor import FakeReactor
from zibrato.commands.keygen import make_keys
from zibrato.endpoint import Endpoint
from zibrato.intake.curve import CurveServer
from zibrato.intake.zeromq import ZeroMQIntake, make
from zibrato.interfaces import Reactor


class ReadingReactor(FakeReactor):
    """A clock that takes readers."""

    def addReader(self, reader: object) -> None:
        """Do nothing: nothing comes here."""

    removeReader = addReader


class Fixture:
    """A server with one client, and what it turned away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        make_keys(path, "server")
        self.public = self.add("web-1")
        self.rejected: list[tuple[str, str]] = []
        self.server = CurveServer(path, lambda *what: self.rejected.append(what))

    def add(self, name: str) -> bytes:
        make_keys(self.path / "clients", name)
        (self.path / "clients" / f"{name}.key_secret").unlink()
        text = (self.path / "clients" / f"{name}.key").read_text()
        return text.split('"')[1].encode()

    def status(self, *credentials: bytes) -> bytes:
        request = [b"1.0", b"7", b"zibrato", b"10.0.0.1", b"", b"CURVE", *credentials]
        version, number, status, *_ = self.server.answer(request)
        assert (version, number) == (b"1.0", b"7")
        return status


@pytest.fixture
def fixture(tmp_path: Path) -> Fixture:
    return Fixture(tmp_path)


def test_a_key_that_is_there_is_let_in_and_is_the_user(fixture: Fixture) -> None:
    assert fixture.status(z85.decode(fixture.public)) == b"200"
    assert fixture.rejected == []
    assert fixture.server.is_accepted(fixture.public.decode())


@pytest.mark.parametrize("credentials", [(bytes(32),), (), (b"a", b"b"), (b"user",), (b"\xff",)])
def test_anything_else_is_turned_away_for_now(
    fixture: Fixture, credentials: tuple[bytes, ...]
) -> None:
    assert fixture.status(*credentials) == b"300"  # after a 400 ZeroMQ would never ask again
    ((reason, text),) = fixture.rejected
    assert reason == "unauthorised"
    assert text.startswith("10.0.0.1 has a key that is not in clients/: ")


def test_a_failed_handshake_is_counted(fixture: Fixture) -> None:
    fixture.server.failed(zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
    fixture.server.failed(zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC)
    assert [reason for reason, _ in fixture.rejected] == ["handshake", "handshake"]
    assert "no keys" in fixture.rejected[0][1]


def test_keys_are_read_anew(fixture: Fixture) -> None:
    new = fixture.add("web-2")
    assert not fixture.server.is_accepted(new.decode())
    with capturedLogs() as events:
        fixture.server.reload()
    assert [formatEvent(event) for event in events] == ["let in over CURVE: web-1, web-2"]
    assert fixture.server.is_accepted(new.decode())
    (fixture.path / "clients" / "web-1.key").unlink()
    (fixture.path / "clients" / "web-2.key").unlink()
    fixture.server.reload()
    assert fixture.status(z85.decode(fixture.public)) == b"300"
    assert not fixture.server.is_accepted(new.decode())
    assert "was removed, but" in fixture.rejected[-1][1]


def test_what_is_wrong_changes_nothing(fixture: Fixture) -> None:
    fixture.add("web-2")
    (fixture.path / "clients" / "web-3.key").write_text("nothing")
    with capturedLogs() as events:
        fixture.server.reload()
    (line,) = [str(formatEvent(event)) for event in events]
    assert line.endswith("from where zibrato keygen made it; the keys stay as they were")
    assert fixture.server.is_accepted(fixture.public.decode())


def test_it_opens_and_closes_again_and_again(fixture: Fixture) -> None:
    """Two of them, as of two daemons in one process: each has a context of its own."""
    other = CurveServer(fixture.path, lambda *_: None)
    for _ in range(3):
        servers = fixture.server, other
        connections = [
            server.open(cast(Reactor, ReadingReactor()), lambda _: None) for server in servers
        ]
        contexts = [connection.factory.context for connection in connections]
        for connection in connections:
            assert connection.socket.get(zmq.MECHANISM) == zmq.CURVE
            assert connection.socket.get(zmq.ZAP_DOMAIN).rstrip(b"\0") == b"zibrato"
        for server, connection in zip(servers, connections, strict=True):
            server.close(connection)
        assert all(context.closed for context in contexts)


def test_only_what_other_hosts_reach_asks_for_keys(fixture: Fixture, tmp_path: Path) -> None:
    addresses = (f"ipc://{tmp_path}/socket", "tcp://0.0.0.0:*", "tcp://127.0.0.1:*")
    endpoints = [Endpoint(address) for address in addresses]
    reactor = cast(Reactor, ReadingReactor())

    def intakes(curve: CurveServer | None) -> list[ZeroMQIntake]:
        made = make(reactor, endpoints, lambda _: None, ipc_mode=0o600, curve=curve)
        for intake in made:
            intake.startService()
        bound = [len(intake.addresses) for intake in made]
        mechanisms = [intake._connection.socket.get(zmq.MECHANISM) for intake in made]  # type: ignore[union-attr]  # it has started
        for intake in made:
            intake.reload()
            intake.stopService()
        expected = ([2, 1], [zmq.NULL, zmq.CURVE]) if curve else ([3], [zmq.NULL])
        assert (bound, mechanisms) == expected
        return list(made)

    assert len(intakes(fixture.server)) == 2
    assert len(intakes(None)) == 1
