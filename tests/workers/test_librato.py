"""The historical entry: twistd in the foreground with the same options, or an export.

That it runs as a file, a module and a command is tested in tests/integration/test_entry_points.
"""

from __future__ import annotations

import sys

import pytest

from zibrato.workers import librato


def test_it_is_twistd_in_the_foreground(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[list[str]] = []
    monkeypatch.setattr(sys, "argv", ["librato.py", "--username", "u", "--apikey", "k"])
    monkeypatch.setattr("twisted.scripts.twistd.run", lambda: runs.append(sys.argv))
    librato.main()
    (arguments,) = runs
    assert arguments[:4] == ["twistd", "--nodaemon", "--pidfile=", "zibrato"]
    assert arguments[4:] == ["--username", "u", "--apikey", "k"]


@pytest.mark.parametrize("command", ["backup", "export"])
def test_a_command_is_no_daemon(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[list[str]] = []
    monkeypatch.setattr(sys, "argv", ["zibrato", command, "--store", "s"])
    monkeypatch.setattr(f"zibrato.store.{command}.main", runs.append)
    monkeypatch.setattr("twisted.scripts.twistd.run", pytest.fail)
    librato.main()
    assert runs == [["--store", "s"]]


@pytest.mark.parametrize("arguments", [["--help"], ["--levels", "info", "--help"]])
def test_help_has_the_options_and_the_commands(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["zibrato", *arguments])
    librato.main()
    text = capsys.readouterr().out
    assert text.startswith("Usage: zibrato [options]\n       zibrato COMMAND --help\n")
    assert "twistd" not in text
    assert not [line for line in text.partition("Commands:")[0].splitlines() if "  " in line[28:]]
    for word in ("--flush-interval=", "Commands:", *librato.COMMANDS):
        assert word in text


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("exprot", "zibrato: expected options or a command, got 'exprot'; did you mean export?"),
        ("begin", "zibrato: expected options or a command, got 'begin'; see zibrato --help"),
        (
            "start",
            "zibrato: expected options or a command, got 'start'; "
            "leave it out: without a command, zibrato starts the daemon",
        ),
    ],
)
def test_a_command_that_is_none(command: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["zibrato", command])
    with pytest.raises(SystemExit) as caught:
        librato.main()
    assert caught.value.code == line
