"""Programs that are forked behave as those that are started: streams, status, signals, reactor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import soak
from tests.integration.forked import Forked, can_be_forked
from tests.integration.processes import BIN, DEADLINE, Process

TWISTD = str(BIN / "twistd")


def script(directory: Path, text: str, *arguments: str) -> tuple[Forked, int]:
    """Return the source `text` that runs as a script, and where its stdout can be read."""
    (directory / "script").write_text(text)
    output, end = os.pipe()
    environment = {"COLOUR": "blue"}
    program = Forked([f"{directory}/script", *arguments], environment, directory, end, end)
    os.close(end)
    return program, output


def read(output: int) -> str:
    with open(output) as file:
        return file.read()


def test_it_has_its_own_arguments_environment_directory_and_descriptors(tmp_path: Path) -> None:
    program, output = script(
        tmp_path,
        "import os, sys\n"
        "print(sys.argv[1:], dict(os.environ), os.getcwd(), __name__, os.getpid())\n"
        "print(sys.path[0], sorted(map(int, os.listdir('/proc/self/fd')))[:4], input.__name__)",
        "one",
        "two",
    )
    assert program.wait(DEADLINE) == 0
    assert read(output).splitlines() == [
        f"['one', 'two'] {{'COLOUR': 'blue'}} {tmp_path} __main__ {program.pid}",
        f"{tmp_path} [0, 1, 2, 3] input",  # the last is that of the list itself
    ]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("import sys; sys.exit(3)", 3),
        ("import os; os._exit(4)", 4),
        ("raise KeyError('k')", 1),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("import atexit; atexit.register(print, 'farewell')", 0),
    ],
)
def test_it_ends_as_any_program(tmp_path: Path, text: str, status: int) -> None:
    program, output = script(tmp_path, text)
    assert program.wait(DEADLINE) == program.poll() == program.returncode == status
    printed = read(output)
    assert ("KeyError: 'k'" in printed) is ("KeyError" in text)
    assert ("farewell" in printed) is ("atexit" in text)


def test_it_hears_signals_and_nobody_waits_for_longer_than_is_asked(tmp_path: Path) -> None:
    body = (
        "import time\ntry:\n  print('there', flush=True)\n  time.sleep(300)\nfinally: print('end')"
    )
    program, output = script(tmp_path, body)
    assert program.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        program.wait(0)
    assert os.read(output, 1) == b"t"
    program.send_signal(signal.SIGINT)
    assert program.wait(DEADLINE) == -signal.SIGINT
    program.kill()  # which has nothing left to end
    assert "KeyboardInterrupt" in read(output)


def test_what_it_would_miss_or_hide_is_started_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "SHARE", 0.04)
    for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
        monkeypatch.delenv(name)
    assert can_be_forked(TWISTD, {"SSL_CERT_FILE": "/x"})
    assert not can_be_forked(TWISTD, {"PYTHONPATH": "/x"})
    assert not can_be_forked(TWISTD, {"LD_PRELOAD": "/x"})
    assert not can_be_forked(sys.executable, {})
    assert not can_be_forked("/elsewhere/twistd", {})
    monkeypatch.setenv("COVERAGE_PROCESS_CONFIG", "x")
    assert not can_be_forked(TWISTD, {})
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG")
    monkeypatch.setattr(soak, "SHARE", 1.0)
    assert not can_be_forked(TWISTD, {})


def test_a_process_is_forked_only_where_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "SHARE", 0.04)
    with Process([TWISTD, "--version"]) as process:
        assert isinstance(process.popen, subprocess.Popen)
    if "COVERAGE_PROCESS_CONFIG" not in os.environ:
        with Process([TWISTD, "--version"], forked=True) as process:
            assert isinstance(process.popen, Forked)
            assert process.wait() == 0
            assert process.output.startswith("twistd ")
