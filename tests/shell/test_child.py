"""A command in this one's place, with real processes, each of which ends as its command does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.integration.processes import DEADLINE, ROOT

PROGRAM = "import sys; from zibrato.shell import child; child.end_as(child.run(sys.argv[1:]))"
SLEEPER = 'trap "echo got {name}; exit 7" {name}; echo ready; while :; do sleep 0.05; done'


@pytest.fixture
def started(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """A wrapped shell script, once it has said that it is ready."""
    command = [sys.executable, "-c", PROGRAM, "sh", "-c", request.param]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("started", "number"),
    [(SLEEPER.format(name=name), f"SIG{name}") for name in ("TERM", "INT")],
    indirect=["started"],
)
def test_a_signal_is_the_command_s(started: subprocess.Popen[str], number: str) -> None:
    started.send_signal(signal.Signals[number])
    assert started.wait(DEADLINE) == 7
    assert started.stdout is not None
    assert started.stdout.read() == f"got {number[3:]}\n"


@pytest.mark.parametrize("started", ["echo ready; exec sleep 60"], indirect=True)
def test_it_is_ended_by_the_signal_that_ends_the_command(started: subprocess.Popen[str]) -> None:
    started.send_signal(signal.SIGTERM)
    assert started.wait(DEADLINE) == -signal.SIGTERM


def test_files_and_the_dispositions_of_signals_are_passed_on() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"three\n")
    os.close(writer)
    script = f"cat; cat /dev/fd/{reader}; grep SigIgn /proc/self/status; yes | head -n 1; exit 5"
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "sh", "-c", script],
        cwd=ROOT, pass_fds=[reader], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        os.close(reader)
        output, _ = process.communicate("zero\n", DEADLINE)
    zero, three, ignored, yes = output.splitlines()
    assert (zero, three, yes, process.returncode) == ("zero", "three", "y", 5)
    assert int(ignored.split()[1], 16) & (1 << (signal.SIGPIPE - 1)) == 0


def test_what_is_not_there_raises() -> None:
    program = (
        "import sys; from zibrato.shell import child\n"
        "try: child.run(['/nonexistent/x'])\n"
        "except FileNotFoundError: print('not there')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "not there\n"


def test_a_script_that_says_not_what_runs_it_is_the_shell_s(tmp_path: Path) -> None:
    script = tmp_path / "job"
    script.write_text('echo "$1"; exit 7\n')
    script.chmod(0o700)
    for command, path in ((str(script), os.environ["PATH"]), ("job", str(tmp_path))):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, command, "an argument"],
            cwd=ROOT, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (7, "an argument\n", "")
