"""The shipped program file under a real supervisord: stopped, restarted, killed, nothing lost."""

from __future__ import annotations

import configparser
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xmlrpc.client import ServerProxy

import pytest
from supervisor.xmlrpc import SupervisorTransport

from tests.integration.librato_server import LibratoServer
from tests.integration.outbox_file import wait_until_noted
from tests.integration.processes import BIN, ROOT, Process, eventually
from zibrato import Zibrato

SHIPPED = ROOT / "deploy/zibrato.supervisord.conf"
CALLS = 1000


@pytest.fixture
def server() -> Iterator[LibratoServer]:
    with LibratoServer() as made:
        yield made


class Supervisor:
    """A supervisord with the shipped program, whose paths and account are those of the test."""

    def __init__(self, directory: Path, server: LibratoServer, *options: str) -> None:
        self.endpoint = f"ipc://{directory}/socket"
        self._directory = directory
        self._server = server
        self._file = directory / "supervisord.conf"
        with self._file.open("w") as file:
            self._configuration(options).write(file)
        self._process = Process([str(BIN / "supervisord"), "--nodaemon", "-c", str(self._file)])

    def __enter__(self) -> Supervisor:
        try:
            self.wait_for("success: zibrato entered RUNNING state")
            eventually(lambda: "listening on" in self.daemon_output)
        except AssertionError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.stop()
        self._process.__exit__(None, None, None)

    @property
    def daemon_output(self) -> str:
        """What the daemon's log holds."""
        return (self._directory / "zibrato.log").read_text()

    @property
    def control(self) -> Any:
        """What supervisorctl talks to; its methods return once they are done."""
        transport = SupervisorTransport(serverurl=f"unix://{self._directory}/control")
        return ServerProxy("http://127.0.0.1", transport).supervisor

    def start(self) -> None:
        """Start the daemon, as `supervisorctl start` does."""
        assert self.control.startProcess("zibrato")

    def stop(self) -> None:
        """Stop the daemon, as `supervisorctl stop` does."""
        assert self.control.stopProcess("zibrato")

    def pid(self) -> int:
        """Return the daemon's process id."""
        return int(self.control.getProcessInfo("zibrato")["pid"])

    def wait_for(self, pattern: str) -> None:
        """Wait until supervisord has said this."""
        self._process.wait_for(pattern)

    def times(self, text: str) -> int:
        """Return how often supervisord has said this."""
        return len(re.findall(re.escape(text), self._process.output))

    def _configuration(self, options: tuple[str, ...]) -> configparser.RawConfigParser:
        parser = configparser.RawConfigParser(inline_comment_prefixes=(";",))
        assert parser.read(SHIPPED)
        program = parser["program:zibrato"]
        program["command"] = shlex.join([*self._command(program["command"]), *options])
        program["stdout_logfile"] = f"{self._directory}/zibrato.log"
        del program["user"]
        assert program["environment"] == 'STATE_DIRECTORY="/var/lib/zibrato"'
        program["environment"] = f'STATE_DIRECTORY="{self._directory}/state"'
        control = f"unix://{self._directory}/control"
        factory = "supervisor.rpcinterface:make_main_rpcinterface"
        parser.read_dict(
            {
                "supervisord": {
                    "logfile": f"{self._directory}/supervisord.log",
                    "pidfile": f"{self._directory}/supervisord.pid",
                },
                "unix_http_server": {"file": control.removeprefix("unix://")},
                "rpcinterface:supervisor": {"supervisor.rpcinterface_factory": factory},
                "supervisorctl": {"serverurl": control},
            }
        )
        return parser

    def _command(self, shipped: str) -> list[str]:
        """Return the shipped command with what is there in this test."""
        apikey = self._directory / "apikey"
        apikey.write_text(self._server.apikey)
        python, worker, *options = shlex.split(shipped)
        given = dict(zip(options[::2], options[1::2], strict=True))
        assert worker.endswith("/site-packages/zibrato/workers/librato.py")
        assert given.keys() == {"--username", "--apikey-file", "--socket"}
        given["--username"] = self._server.username
        given["--apikey-file"] = str(apikey)
        given["--socket"] = self.endpoint
        given["--hostname"] = self._server.url
        pairs = [text for pair in given.items() for text in pair]
        assert python.endswith("/bin/python")
        return [sys.executable, str(ROOT / "zibrato/workers/librato.py"), *pairs]


def counted(z: Zibrato) -> int:
    """Count some calls, send them if there is a daemon, and return how many."""
    for _ in range(CALLS):
        z.count(name="calls")
    z.flush()
    return CALLS


def test_a_stop_in_mid_interval_ships_the_last_one(tmp_path: Path, server: LibratoServer) -> None:
    with Supervisor(tmp_path, server, "--flush-interval", "3600") as supervisor:
        with Zibrato(supervisor.endpoint, linger=30) as z:
            made = counted(z)
        supervisor.stop()
        assert server.total("calls") == server.count("calls") == made
        supervisor.wait_for(r"stopped: zibrato \(exit status 0\)")
        assert "Traceback" not in supervisor.daemon_output
        assert server.apikey not in supervisor.daemon_output


def test_what_is_counted_around_stops_and_restarts_arrives_once(
    tmp_path: Path, server: LibratoServer
) -> None:
    with (
        Supervisor(tmp_path, server, "--flush-interval", "1") as supervisor,
        Zibrato(supervisor.endpoint) as z,
    ):
        made = counted(z)
        supervisor.stop()
        made += counted(z)  # kept by the client
        supervisor.start()
        made += counted(z)
        server.wait_for(lambda: server.total("calls") == made)
        made += counted(z)
        supervisor.stop()
        supervisor.start()
        made += counted(z)
        server.wait_for(lambda: server.total("calls") == made)
        assert supervisor.times("stopped: zibrato (exit status 0)") == 2
        supervisor.stop()
        assert server.total("calls") == server.count("calls") == made
        assert "Traceback" not in supervisor.daemon_output


def test_a_killed_daemon_is_restarted_and_loses_nothing_that_was_delivered(
    tmp_path: Path, server: LibratoServer
) -> None:
    options = ("--flush-interval", "1")
    with Supervisor(tmp_path, server, *options) as supervisor, Zibrato(supervisor.endpoint) as z:
        (outbox,) = (tmp_path / "state").glob("outbox-*.sqlite")
        killed = supervisor.pid()
        made = counted(z)
        server.wait_for(lambda: server.total("calls") == made)
        wait_until_noted(outbox)
        supervisor.control.signalProcess("zibrato", "KILL")
        supervisor.wait_for(r"exited: zibrato \(terminated by SIGKILL; not expected\)")
        made += counted(z)  # kept by the client until the next daemon has the socket
        server.wait_for(lambda: server.total("calls") == made)
        assert supervisor.pid() != killed
        supervisor.stop()
        assert server.total("calls") == server.count("calls") == made
