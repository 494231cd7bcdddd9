"""sd_notify: datagrams where systemd wants them, and silence otherwise."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from tests.health_reports import healthy
from zibrato.daemon.systemd import MAX_STATUS, Watchdog, notify, period, status_line
from zibrato.health import CRITICAL, WARNING, Health, Problem


class Systemd:
    """What systemd would be told."""

    def __init__(self, address: str) -> None:
        self.environment = {"NOTIFY_SOCKET": address}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0", 1))
        self._socket.setblocking(False)

    def told(self) -> list[bytes]:
        """Return what it was told since the last call."""
        states = []
        while True:
            try:
                states.append(self._socket.recv(4096))
            except BlockingIOError:
                return states

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Systemd]:
    abstract = request.param == "abstract"
    made = Systemd(f"@zibrato-test-{tmp_path.name}" if abstract else str(tmp_path / "notify"))
    yield made
    made.close()


def test_the_state_arrives(systemd: Systemd) -> None:
    notify(systemd.environment, "READY=1")
    assert systemd.told() == [b"READY=1"]


def test_without_systemd_nothing_happens(tmp_path: Path) -> None:
    notify({}, "READY=1")
    notify({"NOTIFY_SOCKET": str(tmp_path / "nobody")}, "READY=1")


def test_who_does_not_read_is_not_waited_for(systemd: Systemd) -> None:
    for _ in range(10_000):
        notify(systemd.environment, "WATCHDOG=1")
    assert len(systemd.told()) < 10_000


def test_life_is_told_twice_in_the_time_and_only_while_all_is_well(systemd: Systemd) -> None:
    clock, well = Clock(), [True]
    environment = {**systemd.environment, "WATCHDOG_USEC": "30000000"}
    watchdog = Watchdog(environment, clock, lambda: well[0])
    watchdog.startService()
    assert systemd.told() == [b"WATCHDOG=1"]
    clock.pump([15, 15])
    assert systemd.told() == [b"WATCHDOG=1"] * 2
    well[0] = False
    clock.pump([15, 15])
    assert systemd.told() == []
    well[0] = True
    clock.advance(15)
    assert systemd.told() == [b"WATCHDOG=1"]
    watchdog.stopService()
    clock.advance(60)
    assert systemd.told() == []


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [
        ("2000000", None, 1.0),
        ("2000000", "OURS", 1.0),
        ("2000000", "1", None),
        ("0", None, None),
        ("", None, None),
        ("-5", None, None),
        ("1e9", None, None),
        ("٣", None, None),
    ],
)
def test_the_time_is_systemd_s_if_it_is_meant_for_this_process(
    usec: str, pid: str | None, seconds: float | None
) -> None:
    environment = {"WATCHDOG_USEC": usec}
    if pid is not None:
        environment["WATCHDOG_PID"] = pid.replace("OURS", str(os.getpid()))
    assert period(environment) == seconds
    assert period({}) is None


def test_the_status_is_made_only_for_somebody(systemd: Systemd) -> None:
    def fail() -> Health:
        raise AssertionError

    Watchdog({}, Clock(), lambda: True).tell(fail)
    Watchdog(systemd.environment, Clock(), lambda: True).tell(healthy)
    assert systemd.told() == [b"STATUS=12.5 measurements/s, 42 series"]


def test_the_status_has_what_is_wrong_in_one_line_and_no_state_of_an_attacker() -> None:
    problems = [Problem(WARNING, "slow"), Problem(CRITICAL, "away:\nMAINPID=1")]
    line = status_line(healthy(problems=problems, received_rate=None))
    assert line == r"away:\nMAINPID=1; slow; 42 series"
    assert len(status_line(healthy(problems=[Problem(WARNING, "x" * 9999)]))) == MAX_STATUS
