"""What is made of settings, and what is not made again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.python.usage import UsageError

from tests.fake_reactor import FakeReactor
from tests.ports import free_port
from zibrato.daemon.options import Options
from zibrato.daemon.settings import Settings
from zibrato.intake_making import IntakeMaker

SOCKET = "inproc://metrics"


def settings(*arguments: str) -> Settings:
    options = Options({})
    options.parseOptions([*arguments, "--outbox", "none", "--backend", "memory"])
    return options.settings


@pytest.fixture
def intake_maker() -> IntakeMaker:
    nobody: Any = None  # nothing arrives, so nobody is called
    receiver: Any = type("Receiver", (), {"receive": print, "reject": print})
    lines: Any = type("Lines", (), {"extend": print})
    return IntakeMaker(FakeReactor(), receiver, lines, nobody, print, nobody)


def test_an_intake_is_made_for_each_place(intake_maker: IntakeMaker) -> None:
    given = settings("--socket", SOCKET, "--statsd", f"udp:{free_port()}")
    made = intake_maker.make(given, ())
    assert [*made] == [*given.endpoints, *given.statsd]


def test_what_is_known_is_not_made_again(intake_maker: IntakeMaker) -> None:
    given = settings("--socket", SOCKET, "--statsd", f"udp:{free_port()}")
    assert [*intake_maker.make(given, given.endpoints)] == [*given.statsd]
    assert intake_maker.make(given, [*given.endpoints, *given.statsd]) == {}


def test_keys_that_are_missing_are_told_with_their_option(
    intake_maker: IntakeMaker, tmp_path: Path
) -> None:
    given = settings("--socket", "tcp://0.0.0.0:*", "--curve-keys", str(tmp_path / "none"))
    with pytest.raises(UsageError, match=r"^--curve-keys: "):
        intake_maker.make(given, ())
