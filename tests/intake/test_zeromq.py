"""The ZeroMQ intake: endpoints, locks, permissions, draining; sockets are real, time is not."""

from __future__ import annotations

import errno
import os
import select
import socket
import stat
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import zmq
from zope.interface.verify import verifyObject

from tests.intake.sockets import Reactor
from tests.intake.zmtp import frame, push_to
from zibrato.endpoint import Endpoint
from zibrato.intake.accepted import Peers
from zibrato.intake.claims import claim
from zibrato.intake.zeromq import DRAIN_LIMIT, PAUSE, QUIET, ZeroMQIntake
from zibrato.interfaces import IIntake
from zibrato.tx import connections


class Fixture:
    """A started intake on an ipc path, and a client of it."""

    def __init__(self, path: Path, mode: int = 0o660) -> None:
        self.path = path
        self.reactor = Reactor()
        self.frames: list[bytes] = []
        endpoints = [Endpoint(f"ipc://{path}")]
        self.intake = ZeroMQIntake(self.reactor, endpoints, self.frames.extend, ipc_mode=mode)
        self.intake.startService()
        self.context: zmq.Context[Any] = zmq.Context()
        self.push = self.context.socket(zmq.PUSH)
        self.push.connect(f"ipc://{path}")

    def read_until(self, count: int) -> None:
        """Read as a reactor would, until so many frames have come."""
        poller = zmq.Poller()
        for reader in self.reactor.readers:
            poller.register(reader.fileno(), zmq.POLLIN)
        for _ in range(1000):
            if len(self.frames) >= count:
                return
            poller.poll(10)
            for reader in self.reactor.readers:
                reader.doRead()
        raise AssertionError(f"only {len(self.frames)} of {count} frames came")

    def read_until_quiet(self, seconds: float) -> None:
        """Read as a reactor would, until nothing has come for so long."""
        before, deadline = len(self.frames), monotonic() + seconds
        while monotonic() < deadline:
            for reader in list(self.reactor.readers):
                zmq.select([reader.fileno()], [], [], 0.01)
                reader.doRead()
            if len(self.frames) > before:
                before, deadline = len(self.frames), monotonic() + seconds

    def close(self) -> None:
        self.push.close(linger=0)
        self.context.destroy(linger=0)
        if self.intake.running:
            self.intake.stopService()


@pytest.fixture
def fixture(tmp_path: Path) -> Any:
    made = Fixture(tmp_path / "socket")
    yield made
    made.close()


def test_it_is_an_intake(fixture: Fixture) -> None:
    assert verifyObject(IIntake, fixture.intake)


def test_frames_are_handed_over_and_parts_one_by_one(fixture: Fixture) -> None:
    fixture.push.send(b"one")
    fixture.push.send_multipart([b"two", b"three"])
    fixture.read_until(3)
    assert fixture.frames == [b"one", b"two", b"three"]


@pytest.mark.parametrize("mode", [0o660, 0o600, 0o666])
def test_an_ipc_socket_has_the_permissions_asked_for(tmp_path: Path, mode: int) -> None:
    before = os.umask(0o022)
    os.umask(before)
    made = Fixture(tmp_path / "socket", mode)
    assert stat.S_IMODE(os.stat(made.path).st_mode) == mode
    assert os.umask(before) == before
    made.close()


def test_a_second_intake_on_the_path_is_refused_and_harms_nothing(fixture: Fixture) -> None:
    second = ZeroMQIntake(
        Reactor(), [Endpoint(f"ipc://{fixture.path}")], lambda frame: None, ipc_mode=0o660
    )
    with pytest.raises(OSError, match="--socket: another daemon has ipc://"):
        second.startService()
    with ExitStack() as claims, pytest.raises(ValueError, match=r"^--socket: another daemon has"):
        claim(Endpoint(f"ipc://{fixture.path}"), claims)
    fixture.push.send(b"still here")
    fixture.read_until(1)


def test_a_file_that_came_before_the_start_is_kept(tmp_path: Path) -> None:
    endpoint = Endpoint(f"ipc://{tmp_path}/file")
    intake = ZeroMQIntake(Reactor(), [endpoint], lambda frame: None)
    (tmp_path / "file").write_text("of mine")
    with pytest.raises(OSError, match=f"--socket: can't use {endpoint.address}: There is a file"):
        intake.startService()
    assert (tmp_path / "file").read_text() == "of mine"


def test_a_path_that_is_gone_is_a_problem(fixture: Fixture) -> None:
    assert fixture.intake.problem() is None
    os.unlink(fixture.path)
    text = f"the socket {fixture.path} is gone: no new client can connect"
    assert fixture.intake.problem() == text


def test_frames_that_nobody_reads_are_a_problem(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixture.push.send(b"1")
    monkeypatch.setattr(connections, "STUCK", 0.0)
    limit = monotonic() + 10
    while (problem := fixture.intake.problem()) is None:
        assert monotonic() < limit
    assert problem == f"nothing is read from ipc://{fixture.path}"
    fixture.read_until(1)
    assert fixture.intake.problem() is None


def end(reactor: Reactor, done: list[None]) -> None:
    """Let a drain's time pass, slowly enough for ZeroMQ's thread to end the connections."""
    limit = monotonic() + 30
    while not done and monotonic() < limit:
        reactor.advance(PAUSE / 10)
        zmq.select([], [], [], 0.001)


def test_a_drain_takes_what_has_arrived_and_lets_nobody_new_in(fixture: Fixture) -> None:
    for number in range(1000):
        fixture.push.send(b"%d" % number)
    fixture.read_until(1)
    done: list[None] = []
    fixture.intake.drain().addCallback(done.append)
    while not done:
        fixture.read_until_quiet(0.2)
        fixture.reactor.advance(0.1)
    assert done == [None]
    fixture.intake.stopService()
    assert not fixture.path.exists()
    assert fixture.reactor.readers == []
    # What the client's ZeroMQ had not written by then the next daemon gets.
    fixture.intake = ZeroMQIntake(
        fixture.reactor, [Endpoint(f"ipc://{fixture.path}")], fixture.frames.extend
    )
    fixture.intake.startService()
    fixture.read_until(1000)
    assert fixture.frames == [b"%d" % number for number in range(1000)]


def test_a_drain_hears_who_was_about_to_connect_as_it_began(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As one that the kernel let in before anybody was turned away, and ZeroMQ has yet to accept.
    monkeypatch.setattr("zibrato.intake.zeromq.turn_away", lambda _: None)
    reactor, frames = Reactor(), list[bytes]()
    intake = ZeroMQIntake(reactor, [Endpoint("tcp://127.0.0.1:*")], frames.extend)
    intake.startService()
    done: list[None] = []
    intake.drain().addCallback(done.append)
    reactor.advance(QUIET / 2)
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.set(zmq.LINGER, 0)
        push.connect(intake.addresses[0])
        push.send(b"late")
        limit = monotonic() + 30
        while not frames and monotonic() < limit:
            reactor.advance(QUIET / 1000)
            for reader in list(reactor.readers):
                zmq.select([reader.fileno()], [], [], 0.01)
                reader.doRead()
        end(reactor, done)
    assert (frames, done) == ([b"late"], [None])
    intake.stopService()


def test_a_drain_lets_nobody_new_in_over_tcp() -> None:
    """Else who comes again just before the end is heard by nobody: unbinding cuts it off."""
    reactor = Reactor()
    intake = ZeroMQIntake(reactor, [Endpoint("tcp://127.0.0.1:*")], lambda _: None)
    intake.startService()
    done: list[None] = []
    intake.drain().addCallback(done.append)
    with socket.socket() as late:
        late.setblocking(False)
        host, port = intake.addresses[0].removeprefix("tcp://").split(":")
        assert late.connect_ex((host, int(port))) == errno.EINPROGRESS
        assert not select.select([], [late], [], 0.05)[1]
    end(reactor, done)
    assert done == [None]
    intake.stopService()


def test_a_drain_cuts_nobody_off_who_has_come_again(
    monkeypatch: pytest.MonkeyPatch, fixture: Fixture
) -> None:
    fixture.push.send(b"before")
    fixture.read_until(1)
    nobody, again = Peers(0, frozenset()), Peers(0, frozenset({1}))
    looks = [nobody] + [again] * round(2 * QUIET / PAUSE)
    monkeypatch.setattr(
        "zibrato.intake.zeromq.hang_up", lambda *_: looks.pop(0) if looks else nobody
    )
    fixture.intake.drain()
    fixture.reactor.pump([PAUSE] * round(2 * QUIET / PAUSE - 1))
    fixture.push.send(b"again")
    fixture.read_until(2)  # unbinding would have cut it off
    fixture.reactor.pump([PAUSE] * round(4 * QUIET / PAUSE))


def test_a_drain_waits_while_the_kernel_holds_what_zeromq_has_not_read(
    monkeypatch: pytest.MonkeyPatch, fixture: Fixture
) -> None:
    fixture.push.send(b"first")
    fixture.read_until(1)
    unread = [1]
    monkeypatch.setattr("zibrato.intake.zeromq.hang_up", lambda *_: Peers(unread[0], frozenset()))
    done: list[None] = []
    fixture.intake.drain().addCallback(done.append)
    fixture.reactor.pump([0.01] * int(3 * QUIET / 0.01))
    fixture.push.send(b"late")
    fixture.read_until(2)
    unread[0] = 0
    end(fixture.reactor, done)
    assert (fixture.frames, done) == ([b"first", b"late"], [None])


def test_a_drain_waits_for_a_peer_that_has_yet_to_see_the_end(tmp_path: Path) -> None:
    """Such as one whose ZeroMQ doesn't get the processor: it may write until it sees it."""
    reactor, frames, path = Reactor(), list[bytes](), f"{tmp_path}/socket"
    intake = ZeroMQIntake(reactor, [Endpoint(f"ipc://{path}")], frames.extend)
    intake.startService()
    with push_to(path) as peer:
        done: list[None] = []
        intake.drain().addCallback(done.append)
        reactor.pump([PAUSE] * round(DRAIN_LIMIT / PAUSE / 2))
        assert not done
        peer.sendall(frame(b"late"))
    end(reactor, done)
    assert frames == [b"late"]
    assert done == [None]
    intake.stopService()


def test_a_drain_waits_for_silence_and_not_for_the_end_of_a_flood(fixture: Fixture) -> None:
    connection = fixture.intake._connection
    assert connection is not None
    done: list[None] = []

    def read() -> bool:
        connection.frames += 1
        return False

    connection.read_all = read  # type: ignore[method-assign]  # a drain calls it
    fixture.intake.drain().addCallback(done.append)
    fixture.reactor.pump([PAUSE] * round(DRAIN_LIMIT / PAUSE - 2))
    assert not done
    fixture.reactor.pump([QUIET] * round(DRAIN_LIMIT / QUIET + 2))
    assert done == [None]
    assert 2 * DRAIN_LIMIT <= 4.0  # of the 8 seconds of --stop-timeout


def test_a_drain_goes_on_unread(fixture: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where another process has the processor."""
    monkeypatch.setattr("zibrato.intake.zeromq.hang_up", lambda *_: Peers(0, frozenset()))
    looks = iter([False] * 40)
    monkeypatch.setattr(fixture.intake._connection, "read_all", lambda: next(looks, True))
    done: list[None] = []
    fixture.intake.drain().addCallback(done.append)
    fixture.reactor.pump([PAUSE] * 30)
    assert not done
    fixture.reactor.pump([PAUSE] * 100)
    assert done == [None]


def test_a_stopped_intake_leaves_the_path_to_the_next(fixture: Fixture) -> None:
    fixture.intake.stopService()
    again = Fixture(fixture.path)
    again.close()
