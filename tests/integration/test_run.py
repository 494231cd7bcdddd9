"""What `make run` runs: it shows its measurements, and ends, with all that it started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.integration.processes import BIN, DEADLINE, ROOT, Process, eventually

RUN = (sys.executable, str(ROOT / "examples/run.py"), "--flush-interval", "1", "--web")
ENVIRONMENT = {"PATH": f"{BIN}:{os.environ['PATH']}"}
IGNORING = "trap '' INT QUIT; exec \"$@\""
"""What a shell does for a command in its background."""


def children(pid: int) -> Sequence[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.attack("make run in a shell's background, ended", before="it never ended")
def test_the_demo_shows_its_measurements_and_ends_in_the_background() -> None:
    arguments = ["sh", "-c", IGNORING, "sh", *RUN, "tcp:0:interface=127.0.0.1"]
    with Process(arguments, ENVIRONMENT) as process:
        address = process.wait_for(r"the page is at (http://127.0.0.1:(?!5580)\d+/)")[1]
        eventually(lambda: b'"name":"shop.render_timer"' in urlopen(f"{address}data/series").read())
        started = children(process.popen.pid)
        assert process.stop(signal.SIGTERM) == 0
        assert "Traceback" not in process.output
    assert len(started) == 2
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_ends_at_once_wherever_it_is(number: signal.Signals) -> None:
    with Process([*RUN, "tcp:0:interface=127.0.0.1"], ENVIRONMENT) as process:
        eventually(lambda: process.popen.poll() is not None or children(process.popen.pid))
        started = children(process.popen.pid)
        process.stop(number)
    assert started
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]


@pytest.mark.attack("a second make run", before="exit status 0")
def test_a_second_one_says_in_one_line_why_it_ends() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        endpoint = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
        done = subprocess.run(
            [*RUN, endpoint],
            check=False,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            env={**os.environ, **ENVIRONMENT},
        )
    assert done.returncode == 1
    assert done.stdout.endswith("examples/run.py --web tcp:5581:interface=127.0.0.1\n")
    # On a busy machine the program may have waited so long that it says so as well.
    lines = [line for line in done.stderr.splitlines() if "no daemon accepts" not in line]
    assert lines == [
        f"zibrato: --web: can't listen at {endpoint}: Address already in use; "
        "give another endpoint, or none"
    ]
