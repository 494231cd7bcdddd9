"""txZMQ's connections: reading yields to the reactor and survives errors."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import zmq
from twisted.internet.task import Clock

from tests.intake.zmtp import connected, frame, is_read
from tests.integration.processes import eventually
from zibrato.tx import connections
from zibrato.tx.connections import (
    AuthenticatedPullConnection,
    EventConnection,
    Factory,
    PullConnection,
    PushConnection,
    ReplyConnection,
)
from zibrato.wire import MAX_FRAME


class Reactor(Clock):
    """A clock that takes readers."""

    def addReader(self, reader: Any) -> None:
        """Do nothing: tests read themselves."""

    removeReader = addReader


class Queue:
    """Stands in for a socket that holds messages, or fails."""

    def __init__(
        self, messages: int, error: zmq.ZMQError | None = None, message: bytes = b"frame"
    ) -> None:
        self.messages = messages
        self.message = message
        self.error = error

    def recv(self, flags: int) -> bytes:
        if self.error is not None:
            raise self.error
        if not self.messages:
            raise zmq.Again
        self.messages -= 1
        return self.message

    def get(self, _option: int) -> int:
        return zmq.POLLIN if self.messages else 0

    def close(self) -> None:
        """Do nothing."""


class Fixture:
    """A PULL connection whose socket is a stub, on a clock of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.context: zmq.Context[Any] = zmq.Context()
        self.reactor = Reactor()
        self.frames: list[bytes] = []
        self.time = 0.0
        monkeypatch.setattr(connections, "perf_counter", self._tick)
        self.connection = PullConnection(Factory(self.reactor, self.context), self.frames.extend)
        self.real = self.connection.socket

    def _tick(self) -> float:
        self.time += 0.001
        return self.time

    def close(self) -> None:
        self.connection.shutdown()
        self.real.close()
        self.context.destroy(linger=0)


@pytest.fixture
def fixture(monkeypatch: pytest.MonkeyPatch) -> Any:
    fixture = Fixture(monkeypatch)
    yield fixture
    fixture.close()


def test_reading_stops_for_the_reactor_and_goes_on_by_itself(fixture: Fixture) -> None:
    fixture.connection.socket = Queue(1000)
    fixture.connection.doRead()
    assert 0 < len(fixture.frames) < 500
    assert len(fixture.reactor.getDelayedCalls()) == 1
    fixture.reactor.advance(0)
    assert len(fixture.frames) == fixture.connection.frames == 1000


def test_what_is_handed_over_at_once_is_bounded_in_bytes(fixture: Fixture) -> None:
    handed: list[int] = []
    pull = PullConnection(fixture.connection.factory, lambda frames: handed.append(len(frames)))
    pull.socket.close()
    pull.socket = Queue(200)
    pull.doRead()
    assert handed[0] > 10
    handed.clear()
    pull.socket = Queue(3, message=bytes(connections.AT_ONCE))
    pull.doRead()
    assert handed == [1, 1, 1]
    pull.shutdown()


def test_all_is_read_also_where_there_is_no_processor_for_longer_than_a_turn(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = (tick * 1.5 * connections.READ_BUDGET for tick in range(1000))
    monkeypatch.setattr(connections, "perf_counter", lambda: next(ticks))
    queue = fixture.connection.socket = Queue(10)
    assert fixture.connection.read_all()
    assert (queue.messages, len(fixture.frames)) == (0, 10)
    queue.messages = 10_000
    assert not fixture.connection.read_all()


def test_it_is_read_once_though_the_time_for_it_has_passed(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = (tick * 2 * connections.READ_ALL for tick in range(1000))
    monkeypatch.setattr(connections, "perf_counter", lambda: next(ticks))
    fixture.connection.socket = Queue(10)
    assert not fixture.connection.read_all()
    assert len(fixture.frames) == 10


def test_an_error_costs_a_pause_and_no_more(fixture: Fixture) -> None:
    queue = fixture.connection.socket = Queue(3, zmq.ZMQError(zmq.EFAULT))
    fixture.connection.doRead()
    queue.error = None
    fixture.reactor.advance(connections.ERROR_PAUSE)
    assert len(fixture.frames) == 3


def test_bounds_are_set_before_an_endpoint_can_be_added(fixture: Fixture) -> None:
    assert fixture.real.get(zmq.RCVHWM) == connections.PULL_HIGH_WATER
    assert fixture.real.get(zmq.MAXMSGSIZE) == MAX_FRAME


@pytest.mark.attack(
    "a sender that a daemon can't keep up with", before="1,000 frames of 4 MiB were held"
)
def test_a_sender_waits_with_what_a_reader_that_is_busy_has_no_room_for(
    fixture: Fixture, tmp_path: Path
) -> None:
    endpoint = f"ipc://{tmp_path}/socket"
    fixture.real.bind(endpoint)
    limit = 64 * 1024 * 1024 // MAX_FRAME
    with fixture.context.socket(zmq.PUSH) as sender:
        sender.set(zmq.LINGER, 0)
        sender.set(zmq.SNDHWM, 1)
        sender.set(zmq.SNDTIMEO, 500)
        sender.connect(endpoint)
        taken = 0
        with suppress(zmq.Again):
            while taken < 2 * limit:
                sender.send(bytes(MAX_FRAME), copy=False)
                taken += 1
        assert 0 < taken <= limit + 4  # what is on its way, and in the kernel
    fixture.connection.doRead()
    assert len(fixture.frames) > 0


def test_what_a_peer_wrote_in_bursts_is_read_although_it_has_ended(
    fixture: Fixture, tmp_path: Path
) -> None:
    """Where as many frames wait as may, ZeroMQ forgets the rest of a connection that ends."""
    path = f"{tmp_path}/socket"
    fixture.real.bind(f"ipc://{path}")
    burst = frame(b"frame") * 60
    with connected(path) as peer:
        for _ in range(2):
            peer.sendall(burst)
            eventually(lambda: is_read(peer))
    eventually(lambda: fixture.connection.read_all() and len(fixture.frames) == 120)


def test_nothing_is_read_after_a_shutdown(fixture: Fixture) -> None:
    fixture.connection.socket = Queue(100)
    fixture.connection.doRead()
    read = len(fixture.frames)
    fixture.connection.shutdown()
    assert fixture.reactor.getDelayedCalls() == []
    fixture.connection.doRead()
    assert len(fixture.frames) == read
    fixture.connection = PullConnection(Factory(fixture.reactor, fixture.context), print)


def test_a_push_connection_never_waits(fixture: Fixture) -> None:
    push = PushConnection(Factory(fixture.reactor, fixture.context), 2)
    push.socket.connect("inproc://nobody")
    push.send(b"one")
    push.send(b"two")
    with pytest.raises(zmq.Again):
        push.send(b"three")
    push.close(linger=0)
    assert fixture.reactor.getDelayedCalls() == []


def test_a_reply_goes_to_each_request(fixture: Fixture) -> None:
    reply = ReplyConnection(fixture.connection.factory, lambda parts: [b"re", *parts])
    reply.socket.bind("inproc://questions")
    requests = [fixture.context.socket(zmq.REQ) for _ in range(3)]
    for number, request in enumerate(requests):
        request.connect("inproc://questions")
        request.send_multipart([b"question", b"%d" % number])
    reply.doRead()
    for number, request in enumerate(requests):
        assert request.recv_multipart(zmq.NOBLOCK) == [b"re", b"question", b"%d" % number]
        request.close(linger=0)
    reply.shutdown()


def test_events_of_another_socket(fixture: Fixture) -> None:
    values: list[int] = []
    event = zmq.EVENT_LISTENING
    events = EventConnection(fixture.connection.factory, fixture.real, event, values.append)
    fixture.real.bind("tcp://127.0.0.1:*")
    zmq.select([events.fileno()], [], [], 30)
    events.doRead()
    assert len(values) == 1
    events.shutdown()
    fixture.real.bind("tcp://127.0.0.1:*")


def test_frames_of_who_is_not_accepted_are_left_out(fixture: Fixture) -> None:
    users: list[str] = []

    class Frame:
        def __init__(self, user: str) -> None:
            self.bytes, self.user = b"of " + user.encode(), user

        def get(self, name: str) -> str:
            return {"User-Id": self.user}[name]

    class Frames(Queue):
        def recv(self, flags: int, copy: bool = True) -> Any:
            assert not copy
            super().recv(flags)
            return Frame("good" if self.messages % 2 else "bad")

    def is_good(user: str) -> bool:
        users.append(user)
        return user == "good"

    pull = AuthenticatedPullConnection(fixture.connection.factory, fixture.frames.extend, is_good)
    pull.socket.close()
    pull.socket = Frames(4)
    pull.doRead()
    fixture.reactor.advance(0)
    assert fixture.frames == [b"of good"] * 2
    assert (pull.frames, len(users)) == (4, 4)
    pull.shutdown()


def test_it_is_stuck_where_frames_wait_and_none_is_read_for_long(fixture: Fixture) -> None:
    queue = fixture.connection.socket = Queue(10)
    assert not fixture.connection.is_stuck()
    fixture.time += connections.STUCK
    assert fixture.connection.is_stuck()
    fixture.reactor.advance(0)  # it was read again, since somebody asked
    assert fixture.connection.frames == 10
    assert not fixture.connection.is_stuck()
    queue.messages = 10
    fixture.time += connections.STUCK
    assert not fixture.connection.is_stuck()  # of what came just now nobody knows that yet
