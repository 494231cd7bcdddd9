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
