"""What can't be is refused before anything starts: one line on stderr and exit status 1."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pytest
import zmq

from tests import soak
from tests.integration.forked import Forked, can_be_forked
from tests.integration.processes import BIN, DEADLINE, ROOT, daemon, eventually
from tests.ports import free_port
from zibrato import Zibrato
from zibrato.daemon.backend_choices import backend_makers

TWISTD = str(BIN / "twistd")
FOREGROUND = (str(BIN / "zibrato"),)
DAEMONISING = (TWISTD, "--pidfile=daemon.pid", "--logfile=daemon.log", "zibrato")
PLUGIN = (TWISTD, "--nodaemon", "--pidfile=", "zibrato")
WORKER = (sys.executable, str(ROOT / "zibrato/workers/librato.py"))
COMMANDS = {"command": FOREGROUND, "daemonising": DAEMONISING, "plugin": PLUGIN, "worker": WORKER}

BACKENDS = ", ".join(sorted(backend_makers()))


def run(directory: Path, command: Sequence[str], **environment: str) -> tuple[int, str, str]:
    """Return the exit status of a command, and what it printed on stdout and on stderr."""
    whole = {**os.environ, **environment}
    with TemporaryFile("w+") as output, TemporaryFile("w+") as errors:
        streams = (output.fileno(), errors.fileno())
        if can_be_forked(command[0], environment):
            status = Forked(command, whole, directory, *streams).wait(DEADLINE)
        else:
            status = subprocess.run(
                command,
                check=False,
                stdout=streams[0],
                stderr=streams[1],
                timeout=DEADLINE,
                cwd=directory,
                env=whole,
            ).returncode
        for file in (output, errors):
            file.seek(0)
        return status, output.read(), errors.read()


def refusal(directory: Path, command: Sequence[str], **environment: str) -> str:
    """Return the only line that the command prints; it leaves nothing in `directory`."""
    before = set(directory.iterdir())
    status, output, errors = run(directory, command, **environment)
    assert status == 1
    assert output == ""
    line, end, more = errors.partition("\n")
    assert (end, more) == ("\n", "")
    assert set(directory.iterdir()) == before
    return line


BAD = {
    "--nonsense": "zibrato: option --nonsense not recognized; see --help",
    "--flush-interval 10s": (
        "zibrato: --flush-interval: expected seconds from 0.1 to 86,400, got '10s'; "
        "write 10 for ten seconds"
    ),
    "--backend carbon": f"zibrato: --backend: expected one of {BACKENDS}, got 'carbon'",
    "--username u": (
        "zibrato: --username: an API key is needed too; give --apikey-file FILE, a systemd "
        "credential apikey, $ZIBRATO_APIKEY or --apikey KEY"
    ),
    "--socket ipc:///no/such/directory/socket": (
        "zibrato: --socket: can't use ipc:///no/such/directory/socket: No such file or "
        "directory; make its directory first"
    ),
}


@pytest.mark.soak
@pytest.mark.parametrize(("command", "options"), soak.combinations([*COMMANDS], [*BAD]))
def test_bad_options(tmp_path: Path, command: str, options: str) -> None:
    assert refusal(tmp_path, [*COMMANDS[command], *options.split()]) == BAD[options]


def test_bad_options_of_the_application_file(tmp_path: Path) -> None:
    command = (TWISTD, "--nodaemon", "--pidfile=", "-y", str(ROOT / "zibrato.tac"))
    line = refusal(tmp_path, command, ZIBRATO_OPTIONS="--nonsense")
    assert line == "zibrato: option --nonsense not recognized; see --help"
    options = shlex.join(("--backend", "librato"))
    line = refusal(tmp_path, command, ZIBRATO_OPTIONS=options)
    assert line.startswith("zibrato: --backend librato: username: expected ")
    line = refusal(tmp_path, command, ZIBRATO_OPTIONS="--source 'a")
    assert line == "zibrato: $ZIBRATO_OPTIONS: No closing quotation; write it as for a shell"


@pytest.fixture
def taken(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The ipc and the tcp endpoint of a daemon that runs."""
    endpoint = f"ipc://{tmp_path}/socket"
    options = ("--socket", endpoint, "--socket", "tcp://127.0.0.1:*", "--backend", "memory")
    with daemon(*options) as process:
        tcp = process.wait_for(r"listening on (tcp://127.0.0.1:\d+)")[1]
        process.wait_for("acknowledging at ")
        yield endpoint, tcp


@pytest.mark.parametrize("command", [FOREGROUND, DAEMONISING], ids=("foreground", "daemonising"))
def test_a_second_daemon(tmp_path: Path, taken: tuple[str, str], command: Sequence[str]) -> None:
    ipc, tcp = taken
    before = (tmp_path / "socket").stat()
    assert refusal(tmp_path, [*command, "--socket", ipc]) == (
        f"zibrato: --socket: another daemon has {ipc}; stop it, or give another path"
    )
    line = refusal(tmp_path, [*command, "--socket", tcp])
    assert line.startswith(f"zibrato: --socket: can't use {tcp}: Address already in use")
    assert line.endswith("; is another program there?")
    assert (tmp_path / "socket").stat() == before  # the first one still has it


def test_another_programs_port(tmp_path: Path) -> None:
    context: zmq.Context[Any] = zmq.Context()
    with context, context.socket(zmq.PULL) as other:
        port = other.bind_to_random_port("tcp://127.0.0.1")
        line = refusal(tmp_path, [*FOREGROUND, "--socket", f"tcp://127.0.0.1:{port}"])
        assert f"can't use tcp://127.0.0.1:{port}: Address already in use" in line


@pytest.mark.parametrize("command", [FOREGROUND, DAEMONISING], ids=("foreground", "daemonising"))
def test_two_stores_with_one_page_or_one_file(tmp_path: Path, command: Sequence[str]) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for file in (one, other, f"{one}.outbox"):  # their checks leave their locks behind
        Path(f"{file}.lock").touch()
    stores = ("--backend", f"store:path={one}", "--backend")
    bound = ("--socket", "tcp://127.0.0.1:*")
    line = refusal(tmp_path, [*command, *bound, *stores, f"store:path={other}"])
    assert line == "zibrato: --web: 2 backends here have a page; give --web none, or one of them"
    line = refusal(tmp_path, [*command, *bound, *stores, f"store:path={one}", "--web", "none"])
    assert line == (
        "zibrato: --backend store: path: another backend of this daemon, or its outbox, "
        f"has {one}; give each its own"
    )


@pytest.mark.parametrize("command", [FOREGROUND, DAEMONISING], ids=("foreground", "daemonising"))
@pytest.mark.attack(
    "a page's port that is taken meanwhile", before="the daemon ran on without its page"
)
def test_what_fails_once_it_runs_ends_it(tmp_path: Path, command: Sequence[str]) -> None:
    port = free_port()
    options = (
        # By the name of its interface: nobody knows before that it is the page's address.
        *("--socket", f"tcp://lo:{port}", "--insecure-tcp", "--store", f"{tmp_path}/store"),
        *("--web", f"tcp:{port}:interface=127.0.0.1"),
    )
    status, output, errors = run(tmp_path, [*command, *options])
    assert status == 1
    start = f"--web: can't listen at tcp:{port}:interface=127.0.0.1: "
    log = tmp_path / "daemon.log"
    if command is FOREGROUND:
        assert re.fullmatch(f"zibrato: {start}.*in use; give another endpoint, or none\n", errors)
    else:
        assert start in errors.partition("\n")[0]
        assert "in use; give another endpoint" in log.read_text().splitlines()[-1]
    assert "Traceback" not in output + (log.read_text() if log.exists() else "")
    # The process that was started ends as soon as the daemon has told it why, which ends then.
    eventually(lambda: not (tmp_path / "daemon.pid").exists())


ODD = {
    "--web tcp": "zibrato: --web: expected a Twisted endpoint",
    "--web tcp:99999": "zibrato: --web: expected a Twisted endpoint",
    "--web tcp:5580:bogus=1": "zibrato: --web: expected a Twisted endpoint",
    "--web unix:/nonexistent/x": "zibrato: --web: can't listen at unix:/nonexistent/x: No such",
    "--source \udcff": "zibrato: --source: expected UTF-8 without control characters",
    "--socket tcp://0.0.0.0:1": "zibrato: --socket: tcp://0.0.0.0:1 is beyond loopback, where",
    "--curve-keys /nonexistent": "zibrato: --curve-keys: can't read /nonexistent: No such",
    "--config .": "zibrato: --config: can't read ",
}


@pytest.mark.parametrize("line", ODD)
def test_odd_command_lines(tmp_path: Path, line: str) -> None:
    for file in ("store", "store.outbox"):
        (tmp_path / f"{file}.lock").touch()
    options = ("--socket", "tcp://127.0.0.1:*", "--store", f"{tmp_path}/store", *line.split())
    assert refusal(tmp_path, [*FOREGROUND, *options]).startswith(ODD[line])


def test_two_stores_without_a_page_both_keep_what_comes(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/socket"
    files = [tmp_path / "one", tmp_path / "other"]
    stores = [f"--backend=store:path={file}" for file in files]
    with daemon("--socket", endpoint, *stores, "--web", "none") as process:
        with Zibrato(endpoint, linger=30) as z:
            z.count(name="calls", value=42)
            assert z.flush(30)
        process.stop()
        assert "Traceback" not in process.output
    for file in files:
        with closing(sqlite3.connect(file)) as connection:
            assert ("calls",) in connection.execute("SELECT name FROM series").fetchall()
