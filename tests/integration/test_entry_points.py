"""Every way to start the daemon and to stop it, in mid-interval: the last interval arrives."""

from __future__ import annotations

import os
import shlex
import signal
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import soak
from tests.integration.librato_server import LibratoServer
from tests.integration.processes import BIN, DEADLINE, ROOT, Process, daemon, eventually
from zibrato import Zibrato

LISTENING = "listening on"
STOPPING = "the daemon is stopping: only secrets are reloaded"
CALLS = 1500


class Way(NamedTuple):
    """A way to start the daemon: a command, and the variable that takes the options if any."""

    command: Sequence[str]
    variable: str | None = None

    def start(self, options: Sequence[str], directory: Path, *, forked: bool = False) -> Process:
        """Return the process, with `directory` as its current one."""
        arguments, environment = list(self.command), dict[str, str]()
        if self.variable is None:
            arguments += options
        else:
            environment[self.variable] = shlex.join(options)
        return Process(arguments, environment, directory, forked=forked)


TWISTD = str(BIN / "twistd")
WAYS: Mapping[str, Way] = {
    "plugin": Way((TWISTD, "-n", "--pidfile=", "zibrato")),
    "tac": Way((TWISTD, "-n", "--pidfile=", "-y", str(ROOT / "zibrato.tac")), "ZIBRATO_OPTIONS"),
    "worker": Way((sys.executable, str(ROOT / "zibrato/workers/librato.py"))),
    "module": Way((sys.executable, "-m", "zibrato.workers.librato")),
    "command": Way((str(BIN / "zibrato"),)),
}
STATUS = {signal.SIGTERM: -signal.SIGTERM, signal.SIGINT: -signal.SIGINT, signal.SIGQUIT: 0}


@pytest.fixture
def server() -> Iterator[LibratoServer]:
    with LibratoServer() as made:
        yield made


@pytest.fixture
def options(server: LibratoServer, tmp_path: Path) -> Sequence[str]:
    """Options with which next to nothing is shipped before the end: intervals of an hour."""
    return (
        *("--username", server.username, "--apikey", server.apikey, "--hostname", server.url),
        *("--socket", f"ipc://{tmp_path}/socket", "--flush-interval", "3600"),
        *("--stop-timeout", "30"),
    )


def make_calls(directory: Path) -> None:
    """Make `CALLS` calls, more than are kept as they are, for the daemon with its socket there."""
    endpoint = f"ipc://{directory}/socket"
    # Only a daemon whose reactor runs, and so handles all signals, acknowledges anything.
    with Zibrato(endpoint, acknowledged=True) as first:
        first.count(name="first")
        assert first.flush(DEADLINE)
    with Zibrato(endpoint, linger=DEADLINE) as z:

        @z.time_me(name="timer")
        @z.count_me(name="counter")
        def work() -> None:
            pass

        for _ in range(CALLS):
            work()


def check(server: LibratoServer, output: str) -> None:
    """Check that just those calls arrived, and that the daemon had nothing to complain about."""
    assert server.total("counter") == server.count("counter") == server.count("timer") == CALLS
    assert server.rejections == []
    assert "Traceback" not in output
    assert "Unhandled" not in output
    assert server.apikey not in output


@pytest.mark.soak
@pytest.mark.parametrize(("way", "number"), soak.combinations([*WAYS], [*STATUS]))
def test_a_stop_in_mid_interval_ships_the_last_one(
    way: str, number: signal.Signals, server: LibratoServer, options: Sequence[str], tmp_path: Path
) -> None:
    with WAYS[way].start(options, tmp_path) as process:
        process.wait_for(LISTENING)
        make_calls(tmp_path)
        assert process.stop(number) == STATUS[number]
        check(server, process.output)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["socket.ack.lock", "socket.lock"]  # no twistd.pid, no twistd.log


EARLY = """
import os, sys
import zmq
from zibrato.daemon.reload import Reloader

endpoint, number = sys.argv.pop(1), int(sys.argv.pop(1))
tell = Reloader.tell

def send_both(self):  # the sockets are open, and the reactor doesn't run yet
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.connect(endpoint)
        socket.send(b"info|counter|calls|7")
    os.kill(os.getpid(), number)
    tell(self)

Reloader.tell = send_both
from twisted.scripts.twistd import run
run()
"""
"""A daemon to which a measurement and a signal come before its reactor runs."""


@pytest.mark.parametrize("number", STATUS, ids=lambda number: number.name)
def test_a_signal_before_the_reactor_runs_loses_nothing(
    number: signal.Signals, server: LibratoServer, options: Sequence[str], tmp_path: Path
) -> None:
    given = (f"ipc://{tmp_path}/socket", str(int(number)), "-n", "--pidfile=", "zibrato", *options)
    with Process([sys.executable, "-c", EARLY, *given]) as process:
        assert process.wait() == STATUS[number]
        assert server.total("calls") == 7
        assert "Traceback" not in process.output


def test_signals_that_repeat_do_not_hurry_the_stop(
    server: LibratoServer, options: Sequence[str], tmp_path: Path
) -> None:
    server.hang = True
    with WAYS["command"].start(options, tmp_path, forked=True) as process:
        process.wait_for(LISTENING)
        make_calls(tmp_path)
        process.send(signal.SIGQUIT)
        server.wait_for(lambda: server.hanging)
        # An interval may have ended just before: then that is what hangs, and the stop comes yet.
        eventually(lambda: stops(process))
        before = process.output.count(STOPPING)
        process.send(signal.SIGQUIT)
        process.send(signal.SIGHUP)
        eventually(lambda: process.output.count(STOPPING) > before)
        server.hang = False
        assert process.wait() == 0
        check(server, process.output)


def stops(process: Process) -> bool:
    """Return whether it said on a SIGHUP that it is stopping; send another."""
    process.send(signal.SIGHUP)
    return STOPPING in process.output


class Daemonised:
    """A daemon that went into the background, ended by the pid that it wrote, on exit at latest."""

    def __init__(self, options: Sequence[str], directory: Path) -> None:
        self.pid_file = directory / "daemon.pid"
        self.log = directory / "daemon.log"
        files = (f"--pidfile={self.pid_file}", f"--logfile={self.log}")
        command = [TWISTD, *files, "zibrato", *options]
        with Process(command, directory=directory, forked=True) as starter:
            assert starter.wait() == 0
            assert starter.output == ""
        self.pid = int(self.pid_file.read_text())

    def __enter__(self) -> Daemonised:
        return self

    def __exit__(self, *_error: object) -> None:
        if self.running():
            os.kill(self.pid, signal.SIGKILL)

    def running(self) -> bool:
        """Return whether the process is there, and not as a zombie that waits for its parent."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    def stop(self, number: signal.Signals) -> None:
        """Send it a signal and wait for its end."""
        os.kill(self.pid, number)
        eventually(lambda: not self.running())


@pytest.mark.parametrize("number", STATUS, ids=lambda number: number.name)
def test_a_daemon_in_the_background_does_the_same(
    number: signal.Signals, server: LibratoServer, options: Sequence[str], tmp_path: Path
) -> None:
    with Daemonised(options, tmp_path) as background:
        assert stat.S_IMODE((tmp_path / "socket").stat().st_mode) == 0o660
        make_calls(tmp_path)
        background.stop(number)
        check(server, background.log.read_text())
        assert not background.pid_file.exists()


@pytest.mark.parametrize(("given", "mode"), [((), 0o660), (("--ipc-mode", "606"), 0o606)])
def test_the_permissions_of_an_ipc_socket(given: Sequence[str], mode: int, tmp_path: Path) -> None:
    with daemon("--socket", f"ipc://{tmp_path}/socket", "--backend", "memory", *given):
        assert stat.S_IMODE((tmp_path / "socket").stat().st_mode) == mode
