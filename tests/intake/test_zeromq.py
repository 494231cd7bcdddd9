"""The ZeroMQ intake: endpoints, locks, permissions, draining; sockets are real, time is not."""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack
from pathlib import Path
from time import monotonic

import pytest
from zope.interface.verify import verifyObject

from tests.intake.intakes import Fixture
from tests.intake.sockets import Reactor
from zibrato.endpoint import Endpoint
from zibrato.intake.claims import claim
from zibrato.intake.zeromq import ZeroMQIntake
from zibrato.interfaces import IIntake
from zibrato.tx import connections


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
    limit = monotonic() + 60
    while (problem := fixture.intake.problem()) is None:
        assert monotonic() < limit
    assert problem == f"nothing is read from ipc://{fixture.path}"
    fixture.read_until(1)
    assert fixture.intake.problem() is None


def test_a_stopped_intake_leaves_the_path_to_the_next(fixture: Fixture) -> None:
    fixture.intake.stopService()
    again = Fixture(fixture.path)
    again.close()
