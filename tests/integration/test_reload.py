"""HUP: levels and secrets are read anew, and no measurement is lost over it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.librato_server import LibratoServer
from tests.integration.processes import BIN, Process, daemon
from zibrato import Zibrato

OLD_KEY, NEW_KEY = "the-old-key-0123456789", "the-new-key-9876543210"


@pytest.fixture
def server() -> Iterator[LibratoServer]:
    with LibratoServer(apikey=OLD_KEY) as made:
        yield made


@pytest.fixture
def config(tmp_path: Path, server: LibratoServer) -> Path:
    """A configuration file with everything but the levels."""
    (tmp_path / "apikey").write_text(f"{OLD_KEY}\n")
    made = tmp_path / "zibrato.conf"
    made.write_text(
        f"[zibrato]\nusername = {server.username}\nhostname = {server.url}\nflush-interval = 1\n"
        "stop-timeout = 30\n"
        f"apikey-file = {tmp_path}/apikey\nsocket = ipc://{tmp_path}/socket\n"
    )
    return made


@pytest.fixture
def endpoint(tmp_path: Path) -> str:
    return f"ipc://{tmp_path}/socket"


def add(config: Path, line: str) -> None:
    """Add a line to the configuration file."""
    with config.open("a") as file:
        file.write(f"{line}\n")


class Counting:
    """Counts at a level in a thread, 100 a millisecond at most, while its `with` block runs."""

    def __init__(self, z: Zibrato) -> None:
        self.made = 0
        self._z = z
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Counting:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.001):
            for _ in range(100):
                self._z.count(name="steady", level="error")
                self.made += 1


def shipped(server: LibratoServer, z: Zibrato, name: str, level: str) -> None:
    """Count once, and wait until that has arrived."""
    before = server.total(name)
    z.count(name=name, level=level)
    server.wait_for(lambda: server.total(name) > before)


def test_levels_are_read_anew(server: LibratoServer, config: Path, endpoint: str) -> None:
    add(config, "levels = warning+")
    with daemon("--config", str(config)) as process:
        with Zibrato(endpoint, linger=30) as z, Counting(z) as counting:
            process.wait_for("levels: warning,error,critical")
            z.count(name="at.info", level="info")
            shipped(server, z, "at.warning", "warning")
            config.write_text(config.read_text().replace("warning+", "info,error"))
            process.send(signal.SIGHUP)
            process.wait_for("levels: info,error$")
            z.count(name="at.warning", level="warning")
            shipped(server, z, "at.info", "info")
        process.stop()
        assert "Traceback" not in process.output
    assert server.total("steady") == server.count("steady") == counting.made
    assert server.total("at.warning") == server.total("at.info") == 1


def test_a_key_that_was_changed_is_read_anew(
    server: LibratoServer, config: Path, endpoint: str, tmp_path: Path
) -> None:
    with daemon("--config", str(config)) as process:
        with Zibrato(endpoint, linger=30) as z, Counting(z) as counting:
            shipped(server, z, "before", "info")
            server.apikey = NEW_KEY
            process.wait_for("librato can't deliver: .*: 401\\b")
            z.count(name="meanwhile")
            (tmp_path / "apikey").write_text(f"{NEW_KEY}\n")
            process.send(signal.SIGHUP)
            server.wait_for(lambda: server.total("meanwhile") == 1)
        process.stop()
        check_nothing_shows(process)
    assert server.total("steady") == server.count("steady") == counting.made
    assert server.total("before") == 1
    assert set(server.rejections) == {401}


def test_a_stop_reads_a_mended_key_anew(
    server: LibratoServer, config: Path, endpoint: str, tmp_path: Path
) -> None:
    server.apikey = NEW_KEY
    with daemon("--config", str(config)) as process:
        with Zibrato(endpoint, linger=30) as z:
            for _ in range(1000):
                z.count(name="calls")
        process.wait_for("librato can't deliver: .*: 401\\b")
        (tmp_path / "apikey").write_text(f"{NEW_KEY}\n")
        process.stop()
        check_nothing_shows(process)
    assert server.total("calls") == 1000


def test_hup_is_taken_under_nohup(server: LibratoServer, config: Path, endpoint: str) -> None:
    add(config, "levels = warning+")
    command = ["nohup", str(BIN / "zibrato"), "--config", str(config)]
    with Process(command) as process:
        process.wait_for("levels: warning,error,critical")
        process.wait_for("listening on")
        config.write_text(config.read_text().replace("warning+", "info,error"))
        process.send(signal.SIGHUP)
        process.wait_for("levels: info,error$")
        process.stop()


def test_hup_is_ignored_under_nohup_where_there_is_nothing_to_read(endpoint: str) -> None:
    options = ("--backend", "memory", "--socket", endpoint)
    with Process(["nohup", str(BIN / "zibrato"), *options]) as process:
        process.wait_for("listening on")
        process.send(signal.SIGHUP)
        process.send(signal.SIGQUIT)
        assert process.wait() == 0
        assert process.output.count("levels: ") == 1


def test_usr1_kills_no_daemon_without_a_log_file(endpoint: str) -> None:
    options = ("--backend", "memory", "--socket", endpoint)
    twistd = (str(BIN / "twistd"), "--nodaemon", "--pidfile=", "--logfile=-", "zibrato")
    with Process([*twistd, *options], forked=True) as process:
        process.wait_for("listening on")
        process.send(signal.SIGUSR1)
        process.wait_for("USR1 is ignored")
        process.send(signal.SIGQUIT)
        assert process.wait() == 0


def test_what_needs_a_restart_is_named(config: Path) -> None:
    with daemon("--config", str(config)) as process:
        config.write_text(config.read_text().replace("interval = 1", "interval = 7"))
        add(config, "source = elsewhere")
        process.send(signal.SIGHUP)
        process.wait_for("a restart is needed to apply: --flush-interval, --source$")
        process.stop()


def check_nothing_shows(process: Process) -> None:
    """Check that neither key is in the log, nor anything that went wrong."""
    assert OLD_KEY not in process.output
    assert NEW_KEY not in process.output
    assert "Traceback" not in process.output


def test_what_is_wrong_then_changes_nothing(
    server: LibratoServer, config: Path, endpoint: str
) -> None:
    with daemon("--config", str(config)) as process:
        with Zibrato(endpoint, linger=30) as z:
            for line, complaint in (
                ("levels = warning++", "--config: .*: levels: expected names such as info,error"),
                ("nonsense = 1", "--config: .* can't set 'nonsense'"),
                ("no option", "--config: can't read "),
            ):
                text = config.read_text()
                add(config, line)
                process.send(signal.SIGHUP)
                process.wait_for(f"nothing reloaded: {complaint}")
                config.write_text(text)
                shipped(server, z, "calls", "debug")
        process.stop()
        check_nothing_shows(process)
    assert server.total("calls") == 3


def test_a_key_on_the_command_line_does_not_show_either(
    server: LibratoServer, endpoint: str
) -> None:
    account = ("--username", server.username, "--apikey", OLD_KEY, "--hostname", server.url)
    server.apikey = NEW_KEY
    with daemon(*account, "--socket", endpoint, "--flush-interval", "1") as process:
        process.wait_for("librato can't deliver: .*: 401\\b")
        process.send(signal.SIGHUP)
        process.wait_for("reloaded$")
        server.apikey = OLD_KEY
        process.stop()
        check_nothing_shows(process)
