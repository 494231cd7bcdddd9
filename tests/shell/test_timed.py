"""`zibrato time`: what it records of a command, and the status that it ends with.

Wrong arguments are in test_command_lines.py, a real daemon in tests/integration/test_shell.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from zibrato.shell import child, measurement, timed


class Ran(Exception):
    """Ends `main` as `end_as` would, with the status that it got."""


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that are run; each is named like what comes of it."""
    calls: list[list[str]] = []

    def run(command: list[str]) -> int:
        calls.append(command)
        if command[0] == "missing":
            raise FileNotFoundError(2, "")
        if command[0] == "locked":
            raise PermissionError(13, "")
        return int(command[-1])

    def end_as(status: int) -> None:
        raise Ran(status)

    monkeypatch.setattr(child, "run", run)
    monkeypatch.setattr(child, "end_as", end_as)
    return calls


@pytest.fixture(params=["", "nobody is there"])
def sent(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is sent, once what went wrong as it was sent has been taken out."""
    calls: list[object] = [request.param]

    def note(options: Any, kind: str, _seconds: float, tags: Mapping[str, str]) -> object:
        calls.append((options.name, kind, tags))
        return request.param

    monkeypatch.setattr(measurement, "send", note)
    return calls


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("build -- make 0", ("build", 0, {"outcome": "ok", "status": "0"})),
        ("-- /usr/bin/make -j 2", ("make", 2, {"outcome": "error", "status": "2"})),
        ("-- sh -- -9", ("sh", -9, {"outcome": "error", "status": "137"})),
        ("-- missing", ("missing", 127, {"outcome": "error", "status": "127"})),
        ("-- /n\udcff\x1b 0", ("n\\udcff\\x1b", 0, {"outcome": "ok", "status": "0"})),
        ("-- locked", ("locked", 126, {"outcome": "error", "status": "126"})),
    ],
)
def test_it_ends_as_the_command_does(
    line: str,
    expected: tuple[str, int, Mapping[str, str]],
    runs: list[list[str]],
    sent: list[object],
    capsys: pytest.CaptureFixture[str],
) -> None:
    name, status, tags = expected
    wrong = str(sent.pop())
    with pytest.raises(Ran) as caught:
        timed.main(line.split())
    assert caught.value.args == (status,)
    assert sent == [(name, "timer", tags)]
    assert runs == [line.split("-- ", 1)[1].split()]
    assert ("zibrato time: nobody is there\n" in capsys.readouterr().err) is bool(wrong)


def test_without_a_stderr_nothing_gets_into_the_command_s_output(
    runs: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measurement, "send", lambda *_: "nobody is there")
    monkeypatch.setattr("sys.stderr", None)  # as Python has it where descriptor 2 is closed
    with pytest.raises(Ran):
        timed.main(["--", "sh", "0"])
    assert capsys.readouterr().out == ""
