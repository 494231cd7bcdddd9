"""A drain of the ZeroMQ intake: whom it waits for, and whose connection it ends."""

from __future__ import annotations

import errno
import select
import socket
from pathlib import Path
from time import monotonic

import pytest
import zmq

from tests.intake.intakes import Fixture
from tests.intake.sockets import Reactor
from tests.intake.zmtp import connected, frame
from zibrato.endpoint import Endpoint
from zibrato.intake.accepted import NOBODY, Peers
from zibrato.intake.zeromq import ZeroMQIntake
from zibrato.intake.zeromq_drain import DRAIN_LIMIT, MAX_UNREAD, PAUSE, QUIET


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
    monkeypatch.setattr("zibrato.intake.zeromq_drain.turn_away", lambda _: None)
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
        "zibrato.intake.zeromq_drain.hang_up", lambda *_: looks.pop(0) if looks else nobody
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
    monkeypatch.setattr(
        "zibrato.intake.zeromq_drain.hang_up", lambda *_: Peers(unread[0], frozenset())
    )
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
    with connected(path) as peer:
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


def test_a_drain_ends_connections_only_while_zeromq_has_room_for_more(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless it is late: a peer may write until it sees the end, and ZeroMQ would lose that."""
    bounds: list[int] = []

    def look(_addresses: object, max_unread: int) -> Peers:
        bounds.append(max_unread)
        return Peers(0, frozenset({1}))

    monkeypatch.setattr("zibrato.intake.zeromq_drain.hang_up", look)
    empty = iter([False, False, True])
    monkeypatch.setattr(fixture.intake._connection, "read_all", lambda: next(empty, False))
    fixture.intake.drain()
    fixture.reactor.pump([PAUSE] * 3)
    assert bounds == [NOBODY, NOBODY, 0, NOBODY]
    fixture.reactor.pump([PAUSE] * round(DRAIN_LIMIT / PAUSE / 2 + 2))
    assert bounds[-1] == MAX_UNREAD
    fixture.reactor.pump([QUIET] * round(2 * DRAIN_LIMIT / QUIET + 2))


def test_a_drain_goes_on_unread(fixture: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where another process has the processor."""
    monkeypatch.setattr("zibrato.intake.zeromq_drain.hang_up", lambda *_: Peers(0, frozenset()))
    looks = iter([False] * 40)
    monkeypatch.setattr(fixture.intake._connection, "read_all", lambda: next(looks, True))
    done: list[None] = []
    fixture.intake.drain().addCallback(done.append)
    fixture.reactor.pump([PAUSE] * 30)
    assert not done
    fixture.reactor.pump([PAUSE] * 100)
    assert done == [None]
