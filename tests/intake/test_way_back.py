"""The way back: clients that come and go are told what is for them; sockets are real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import zmq
from twisted.logger import LogLevel, capturedLogs, formatEvent

from tests.intake.sockets import Reactor
from tests.ports import free_port
from zibrato.endpoint import Endpoint
from zibrato.intake.way_back import REST, WayBack
from zibrato.intake.zeromq import ZeroMQIntake
from zibrato.intake.zeromq_drain import QUIET
from zibrato.tx import publishing

TRIES = 6000


class Told:
    """Tells a client its own name; `publish` is what it was given, while it is."""

    def __init__(self) -> None:
        self.publish: Callable[[str, bytes], None] | None = None
        self.asked: list[str] = []
        self.committed = 0

    def listen(self, publish: Callable[[str, bytes], None]) -> Callable[[], None]:
        self.publish = publish
        return self.silence

    def silence(self) -> None:
        self.publish = None

    def tell(self, client: str) -> bytes:
        self.asked.append(client)
        return client.encode()

    def commit_now(self) -> None:
        self.committed += 1


class Fixture:
    """An intake with a way back, and a context for its clients."""

    def __init__(self) -> None:
        self.reactor = Reactor()
        self.told = Told()
        self.context: zmq.Context[Any] = zmq.Context()
        self.intakes: list[ZeroMQIntake] = []

    def start(self, *endpoints: Endpoint, own: Endpoint | None = None) -> ZeroMQIntake:
        way_back = WayBack(self.told, own)
        intake = ZeroMQIntake(self.reactor, endpoints, lambda _frame: None, way_back=way_back)
        intake.startService()
        self.intakes.append(intake)
        return intake

    def subscribe(self, address: str, topic: bytes) -> Any:
        socket = self.context.socket(zmq.SUB)
        socket.set(zmq.SUBSCRIBE, topic)
        socket.connect(address)
        return socket

    def next_of(self, subscriber: Any, tries: int = TRIES) -> list[bytes]:
        """Run the reactor until something has come."""
        self.run_until(lambda: subscriber.poll(10), tries)
        return list(subscriber.recv_multipart())

    def run_until(self, condition: Callable[[], object], tries: int = TRIES) -> None:
        """Run the reactor until the condition is true."""
        for _ in range(tries):
            if condition():
                return
            for reader in list(self.reactor.readers):
                reader.doRead()
            self.reactor.run_calls()
            self.reactor.advance(0)
        raise AssertionError("nothing came")

    def close(self) -> None:
        for intake in self.intakes:
            if intake.running:
                intake.stopService()
        self.context.destroy(linger=0)


@pytest.fixture
def fixture() -> Iterator[Fixture]:
    made = Fixture()
    yield made
    made.close()


def test_who_comes_is_told_and_each_its_own(fixture: Fixture, tmp_path: Path) -> None:
    fixture.start(Endpoint(f"ipc://{tmp_path}/socket"))
    one = fixture.subscribe(f"ipc://{tmp_path}/socket.ack", b"one")
    other = fixture.subscribe(f"ipc://{tmp_path}/socket.ack", b"other")
    assert fixture.next_of(one) == [b"one", b"one"]
    assert fixture.next_of(other) == [b"other", b"other"]
    assert fixture.told.publish is not None
    fixture.told.publish("other", b"news")
    assert fixture.next_of(other) == [b"other", b"news"]
    assert not one.poll(0)


def test_who_comes_again_is_told_again(fixture: Fixture, tmp_path: Path) -> None:
    fixture.start(Endpoint(f"ipc://{tmp_path}/socket"))
    for _ in range(2):
        subscriber = fixture.subscribe(f"ipc://{tmp_path}/socket.ack", b"one")
        assert fixture.next_of(subscriber) == [b"one", b"one"]


def test_a_drain_has_everything_answered_for(fixture: Fixture, tmp_path: Path) -> None:
    drained = fixture.start(Endpoint(f"ipc://{tmp_path}/socket")).drain()
    fixture.reactor.pump([QUIET] * 10)
    assert drained.called
    assert fixture.told.committed == 1


@pytest.mark.parametrize("topics", [[b"x" * 200], [b"%d" % number for number in range(50)]])
@pytest.mark.parametrize("is_tcp", [False, True])
def test_who_subscribes_to_too_much_closes_it_for_a_while(
    fixture: Fixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    topics: list[bytes], is_tcp: bool,
) -> None:  # fmt: skip
    monkeypatch.setattr(publishing, "MAX_TOPICS", 80)
    own = Endpoint("tcp://127.0.0.1:*" if is_tcp else f"ipc://{tmp_path}/own")
    with capturedLogs() as logs:
        fixture.start(Endpoint(f"ipc://{tmp_path}/socket"), own=own)
    address = formatEvent(logs[-1]).removeprefix("acknowledging at ")
    greedy = fixture.subscribe(address, topics[0])
    for topic in topics:
        greedy.set(zmq.SUBSCRIBE, topic)
    with capturedLogs() as logs:
        fixture.run_until(lambda: greedy.poll(10) >= 0 and logs)
        assert formatEvent(logs[0]).startswith("somebody subscribes to too many acknowledgements")
        greedy.close()
        fixture.told.asked.clear()
        modest = fixture.subscribe(address, b"one")
        for _ in range(10):
            fixture.reactor.advance(REST)
            with suppress(AssertionError):
                assert fixture.next_of(modest, 50) == [b"one", b"one"]
                break
    assert fixture.told.asked == ["one"]
    assert len(logs) == 1


def test_what_is_no_client_is_told_nothing(fixture: Fixture, tmp_path: Path) -> None:
    fixture.start(Endpoint(f"ipc://{tmp_path}/socket"))
    for topic in (b"", b"\xff"):
        fixture.subscribe(f"ipc://{tmp_path}/socket.ack", topic)
    last = fixture.subscribe(f"ipc://{tmp_path}/socket.ack", b"last")
    fixture.next_of(last)
    assert fixture.told.asked == ["last"]


def test_of_a_port_it_is_the_next_one_also_where_that_is_any(fixture: Fixture) -> None:
    for port in (str(free_port()), "*"):
        with suppress(AssertionError):  # another program may have the next one
            intake = fixture.start(Endpoint(f"tcp://127.0.0.1:{port}"))
            bound = int(intake.addresses[0].rpartition(":")[2])
            subscriber = fixture.subscribe(f"tcp://127.0.0.1:{bound + 1}", b"one")
            assert fixture.next_of(subscriber) == [b"one", b"one"]
            return
    pytest.fail("both ports are taken")


def test_an_endpoint_of_its_own_is_used_or_is_an_error(fixture: Fixture, tmp_path: Path) -> None:
    own = Endpoint(f"ipc://{tmp_path}/own")
    first = fixture.start(Endpoint(f"ipc://{tmp_path}/socket"), own=own)
    assert fixture.next_of(fixture.subscribe(own.address, b"one")) == [b"one", b"one"]
    assert not (tmp_path / "socket.ack").exists()
    first.stopService()
    assert not (tmp_path / "own").exists()
    assert fixture.told.publish is None
    with pytest.raises(OSError, match=r"--acknowledgements: can't use ipc:///nowhere/x: "):
        fixture.start(Endpoint(f"ipc://{tmp_path}/socket"), own=Endpoint("ipc:///nowhere/x"))
    fixture.start(Endpoint(f"ipc://{tmp_path}/socket"))  # which is free again


def test_an_implied_endpoint_that_is_taken_is_no_reason_not_to_start(fixture: Fixture) -> None:
    taken = fixture.context.socket(zmq.PUB)
    for _ in range(TRIES):
        port = free_port()
        with suppress(zmq.ZMQError):
            taken.bind(f"tcp://127.0.0.1:{port + 1}")
            break
    fixture.start(Endpoint(f"tcp://127.0.0.1:{port}"))
    assert fixture.told.publish is not None


@pytest.mark.attack("a file where acknowledgements are to be", before="a socket took its place")
def test_a_file_that_is_no_socket_is_kept(fixture: Fixture, tmp_path: Path) -> None:
    for name in ("own", "socket.ack"):
        (tmp_path / name).write_text("of mine")
    socket, own = Endpoint(f"ipc://{tmp_path}/socket"), Endpoint(f"ipc://{tmp_path}/own")
    expected = f"--acknowledgements: can't use {own.address}: There is a file; give another "
    with pytest.raises(OSError, match=expected):
        fixture.start(socket, own=own)
    with capturedLogs() as logs:
        fixture.start(socket).stopService()
    (warning,) = [formatEvent(event) for event in logs if event["log_level"] == LogLevel.warn]
    assert warning.startswith(
        f"no acknowledgements to clients of {socket.address}: can't use {socket.address}.ack: "
        "There is a file; "
    )
    for name in ("own", "socket.ack"):
        assert (tmp_path / name).read_text() == "of mine"


@pytest.mark.attack("two daemons that acknowledge at one path", before="the second stole it")
def test_a_second_daemon_has_another_way_back(fixture: Fixture, tmp_path: Path) -> None:
    own = Endpoint(f"ipc://{tmp_path}/first.ack")
    first = fixture.start(Endpoint(f"ipc://{tmp_path}/first"))
    expected = f"--acknowledgements: can't use {own.address}: a daemon has it already; give "
    with pytest.raises(OSError, match=expected):
        fixture.start(Endpoint(f"ipc://{tmp_path}/second"), own=own)
    with pytest.raises(OSError, match=f"--socket: another daemon has {own.address}; "):
        fixture.start(own)
    assert fixture.next_of(fixture.subscribe(own.address, b"one")) == [b"one", b"one"]
    first.stopService()
    fixture.start(Endpoint(f"ipc://{tmp_path}/second"), own=own)


def test_where_the_daemon_connects_so_does_its_way_back(fixture: Fixture, tmp_path: Path) -> None:
    subscriber = fixture.context.socket(zmq.SUB)
    subscriber.set(zmq.SUBSCRIBE, b"one")
    subscriber.bind(f"ipc://{tmp_path}/socket.ack")
    fixture.start(Endpoint(f"ipc://{tmp_path}/socket", connect=True))
    assert fixture.next_of(subscriber) == [b"one", b"one"]
