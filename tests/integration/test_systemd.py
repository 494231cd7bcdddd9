"""The shipped systemd unit: it is sound, and the daemon keeps to its side of it."""

from __future__ import annotations

import configparser
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import sandbox
from tests.integration.librato_server import LibratoServer
from tests.integration.processes import BIN, DEADLINE, ROOT, Process, daemon
from zibrato import Zibrato
from zibrato.daemon.options import Options

UNIT = ROOT / "deploy/zibrato.service"
EXAMPLE = ROOT / "deploy/zibrato.conf"

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="needs systemd-analyze, of the Debian package systemd",
)


@pytest.fixture
def server() -> Iterator[LibratoServer]:
    with LibratoServer() as made:
        yield made


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, starting a command that there is."""
    made = tmp_path / "zibrato.service"
    shipped = UNIT.read_text()
    assert "\nExecStart=/opt/zibrato/bin/zibrato " in shipped
    made.write_text(shipped.replace("/opt/zibrato/bin/zibrato", str(BIN / "zibrato")))
    return made


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Return what systemd-analyze makes of it."""
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )


@needs_systemd
def test_the_unit_is_verified_without_a_word(unit: Path) -> None:
    done = analyze("verify", str(unit))
    about_us = [line for line in done.stderr.splitlines() if "zibrato" in line]
    assert about_us == []
    assert done.returncode == 0


@needs_systemd
def test_the_unit_leaves_little_exposed(unit: Path) -> None:
    done = analyze("security", "--offline=yes", "--threshold=20", str(unit))
    assert done.returncode == 0, done.stdout


@needs_systemd
def test_the_daemon_lives_under_the_units_restrictions(
    unit: Path, tmp_path: Path, server: LibratoServer
) -> None:
    endpoint = f"ipc://{tmp_path}/socket"
    tls = f"librato:hostname=https://127.0.0.1:{server.port}"  # where no TLS is spoken
    arguments = [
        *(sys.executable, sandbox.__file__, str(unit), str(BIN / "zibrato")),
        *("--username", server.username, "--hostname", server.url, "--stop-timeout", "0.1"),
        *("--backend", "librato", "--backend", tls, "--flush-interval", "1"),
        *("--socket", endpoint, "--socket", "tcp://127.0.0.1:*"),
    ]
    with Process(arguments, {"ZIBRATO_APIKEY": server.apikey}) as process:
        tcp = process.wait_for(r"listening on (tcp://127.0.0.1:\d+)")[1]
        for where in (endpoint, tcp):
            with Zibrato(where, linger=30) as z:
                z.count(name="calls")
        server.wait_for(lambda: server.total("calls") == 2)
        process.wait_for("librato can't deliver: .*(SSL|wrong version)")
        process.stop()
        assert "Traceback" not in process.output


def test_systemd_is_told_of_the_start_and_of_the_stop(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.settimeout(DEADLINE)
        told.bind(f"{tmp_path}/notify")
        endpoint = f"ipc://{tmp_path}/socket"
        arguments = [str(BIN / "zibrato"), "--socket", endpoint, "--backend", "memory"]
        environment = {"NOTIFY_SOCKET": f"{tmp_path}/notify"}
        with Process(arguments, environment, forked=True) as process:
            assert told.recv(4096) == b"READY=1"
            assert (tmp_path / "socket").is_socket()  # ready means that it can be connected to
            process.send(signal.SIGTERM)
            state = b"STATUS="  # an interval may have ended
            while state.startswith(b"STATUS="):
                state = told.recv(4096)
            assert state == b"STOPPING=1"
            assert process.wait() == -signal.SIGTERM


def test_systemd_is_told_that_the_daemon_lives_until_nobody_can_reach_it(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.settimeout(DEADLINE)
        told.bind(f"{tmp_path}/notify")
        arguments = [
            *(str(BIN / "zibrato"), "--socket", f"ipc://{tmp_path}/socket"),
            *("--backend", "memory", "--flush-interval", "0.5"),
        ]
        environment = {"NOTIFY_SOCKET": f"{tmp_path}/notify", "WATCHDOG_USEC": "100000"}
        with Process(arguments, environment, forked=True) as process:
            process.wait_for("listening on ")
            while not told.recv(4096).startswith(b"STATUS=0.0 measurements/s, "):
                pass
            assert b"WATCHDOG=1" in {told.recv(4096) for _ in range(4)}
            (tmp_path / "socket").unlink()
            while not (state := told.recv(4096)).startswith(b"STATUS=the socket "):
                pass
            assert b" is gone: no new client can connect; " in state
            assert {told.recv(4096)[:7] for _ in range(2)} == {b"STATUS="}
            process.stop()


def test_a_daemon_that_can_not_start_never_says_that_it_is_ready(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(f"{tmp_path}/notify")
        told.setblocking(False)
        environment = {"NOTIFY_SOCKET": f"{tmp_path}/notify"}
        arguments = [str(BIN / "zibrato"), "--socket", f"ipc://{tmp_path}/no/such/directory"]
        with Process(arguments, environment, forked=True) as process:
            assert process.wait() == 1
        with pytest.raises(BlockingIOError):
            told.recv(4096)


def test_the_credential_is_the_api_key(tmp_path: Path, server: LibratoServer) -> None:
    (tmp_path / "apikey").write_text(f"{server.apikey}\n")
    endpoint = f"ipc://{tmp_path}/socket"
    options = ("--username", server.username, "--hostname", server.url, "--socket", endpoint)
    with daemon(*options, environment={"CREDENTIALS_DIRECTORY": str(tmp_path)}) as process:
        with Zibrato(endpoint, linger=30) as z:
            z.count(name="calls")
        process.stop()
        assert server.apikey not in process.output
    assert server.total("calls") == 1
    assert server.rejections == []


def test_the_example_configuration_has_every_option_with_its_default(tmp_path: Path) -> None:
    (tmp_path / "apikey").write_text("key")
    text = EXAMPLE.read_text().replace("/etc/zibrato/apikey", f"{tmp_path}/apikey")
    file = tmp_path / "zibrato.conf"
    options = Options({})
    file.write_text(text)
    options.parseOptions(["--config", str(file)])  # as shipped nothing is set
    assert {name: value for name, value in options.items() if name != "config"} == {
        name: value for name, value in Options({}).items() if name != "config"
    }
    file.write_text(re.sub("^;", "", text, flags=re.M))
    options.parseOptions(["--config", str(file)])  # and what stands there is legal
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(file)
    shown = dict(parser["zibrato"])
    assert shown.keys() == Options({}).keys() - {"config"}
    defaults: Any = Options.optParameters
    for name, _, default, _ in defaults:
        assert default is None or shown[name] == default
