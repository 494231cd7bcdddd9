"""The statsd intake: addresses, what it takes over, draining, what the kernel drops."""

from __future__ import annotations

import socket
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from zope.interface.verify import verifyObject

from tests.intake.line_clients import Reactor, sender
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.intake.datagrams import AT_ONCE
from zibrato.intake.statsd import DRAIN_LIMIT, REPORT, StatsdIntake, make
from zibrato.interfaces import IIntake
from zibrato.line_address import LineAddress


class Fixture:
    """A started intake of some addresses."""

    def __init__(self, *addresses: str) -> None:
        self.reactor = Reactor()
        self.frames: list[bytes] = []
        self.metrics = SelfMetrics()
        parsed = [LineAddress.parse(address) for address in addresses]
        count = self.metrics.count
        self.intake = make(self.reactor, parsed, self.receive, print, count, mode=0o600)
        self.intake.startService()

    def receive(self, frames: Sequence[bytes]) -> None:
        self.frames += frames


@pytest.fixture
def fixture(tmp_path: Path) -> Iterator[Fixture]:
    made = Fixture("udp:0", f"unixgram:{tmp_path}/g", f"unix:{tmp_path}/u", "tcp:0")
    yield made
    made.intake.stopService()


def test_it_is_an_intake(fixture: Fixture) -> None:
    verifyObject(IIntake, fixture.intake)
    fixture.intake.reload()
    kinds = [address.partition(":")[0] for address in fixture.intake.addresses]
    assert kinds == ["udp", "unixgram", "unix", "tcp"]
    assert not any(address.endswith(":0") for address in fixture.intake.addresses)


def test_datagrams_arrive_whole(fixture: Fixture) -> None:
    for address in fixture.intake.addresses[:2]:
        with sender(address) as client:
            client.send(b"a:1|c\nb:2|c")
    fixture.reactor.read_until(lambda: len(fixture.frames) == 2)
    assert fixture.frames == [b"a:1|c\nb:2|c"] * 2


def test_files_have_their_mode_and_are_gone_afterwards(fixture: Fixture, tmp_path: Path) -> None:
    for name in ("g", "u"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    fixture.intake.stopService()
    assert not (tmp_path / "g").exists()
    assert not (tmp_path / "u").exists()
    assert fixture.reactor.getDelayedCalls() == []
    assert fixture.reactor.readers == []


@pytest.mark.parametrize("number", [1, 2])
def test_a_path_that_is_gone_is_a_problem(fixture: Fixture, number: int) -> None:
    assert fixture.intake.problem() is None
    address = fixture.intake.addresses[number]
    Path(address.partition(":")[2]).unlink()
    assert fixture.intake.problem() == f"the socket {address} is gone: no new client can connect"
    fixture.intake.stopService()
    assert fixture.intake.problem() is None


def test_a_drain_reads_what_has_arrived_and_nothing_after(fixture: Fixture) -> None:
    done: list[None] = []
    with sender(fixture.intake.addresses[0]) as client:
        for _ in range(50):
            client.send(b"a:1|c")
        fixture.intake.drain().addCallback(done.append)
        fixture.reactor.advance(0)  # one turn may not be enough on a busy machine
    assert done == [None]
    assert fixture.frames == [b"a:1|c"] * 50
    assert fixture.reactor.readers == []


@pytest.mark.attack("datagrams without an end while it stops", before="a stop froze the daemon")
def test_a_drain_of_a_flood_gives_others_their_turns_and_ends(fixture: Fixture) -> None:
    done: list[None] = []
    turns: list[bool] = []
    with sender(fixture.intake.addresses[0]) as client:

        def flood(frames: Sequence[bytes]) -> None:
            fixture.frames += frames
            for _ in range(AT_ONCE):
                client.send(b"a:1|c")

        (datagrams,) = (
            reader for reader in fixture.reactor.readers if reader._socket.family == socket.AF_INET
        )
        datagrams._receive = flood
        flood([])
        fixture.intake.drain().addCallback(done.append)

        def others() -> None:
            turns.append(not done)
            fixture.reactor.rightNow += DRAIN_LIMIT / 4
            if not done:
                fixture.reactor.callLater(0, others)

        fixture.reactor.callLater(0, others)
        fixture.reactor.advance(0)
    assert turns == [True] * 4 + [False]
    assert done == [None]
    assert len(fixture.frames) >= 5 * AT_ONCE
    assert fixture.reactor.readers == []


def test_an_address_is_taken_while_it_runs(tmp_path: Path) -> None:
    one = Fixture(f"unixgram:{tmp_path}/g", "udp:0")
    for address in one.intake.addresses:
        with pytest.raises(ValueError, match=r"^--statsd: can't use "):
            Fixture(address)
        late = StatsdIntake(
            Reactor(), [LineAddress.parse(address)], print, print, one.metrics.count, mode=0o600
        )
        with pytest.raises(OSError, match="--statsd: can't use "):
            late.startService()
    one.intake.stopService()
    Fixture(f"unixgram:{tmp_path}/g").intake.stopService()


@pytest.mark.parametrize("kind", ["unix", "unixgram"])
def test_the_file_of_another_program_stays_and_a_leftover_does_not(
    kind: str, tmp_path: Path
) -> None:
    path = f"{tmp_path}/x"
    with socket.socket(socket.AF_UNIX, LineAddress.parse(f"{kind}:x").kind) as other:
        other.bind(path)
        if kind == "unix":
            other.listen()
        with pytest.raises(ValueError, match="Address already in use"):
            Fixture(f"{kind}:{path}")
    Fixture(f"{kind}:{path}").intake.stopService()
    assert not Path(path).exists()


@pytest.mark.attack("more datagrams than can be read", before="no such intake")
def test_what_the_kernel_drops_is_counted(fixture: Fixture) -> None:
    (datagrams,) = [
        reader for reader in fixture.reactor.readers if reader._socket.family == socket.AF_INET
    ]
    datagrams._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with sender(fixture.intake.addresses[0]) as client:
        for _ in range(500):
            client.send(b"a:1|c")
    fixture.reactor.advance(REPORT)
    dropped = fixture.metrics.total("zibrato.intake.dropped", reason="kernel")
    assert 0 < dropped < 500
    assert fixture.metrics.total("zibrato.intake.received") == dropped
    fixture.intake.drain()
    fixture.reactor.advance(0)
    assert len(fixture.frames) + dropped == 500
    assert fixture.metrics.total("zibrato.intake.dropped") == dropped
