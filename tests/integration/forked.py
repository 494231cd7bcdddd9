"""Programs that fork_server.py runs: as `subprocess.Popen`, without the imports of each start."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from time import monotonic

from tests import soak
from tests.integration.fork_server import NUMBER, Request

__all__ = ["Forked", "can_be_forked"]

SCRIPTS = {"twistd", "zibrato"}
AT_START = ("PYTHON", "LD_")
"""How those variables begin that are read as a process starts: a fork is too late for them."""


def can_be_forked(program: str, environment: Mapping[str, str]) -> bool:
    """Return whether a program may be forked with these variables of its own.

    What is run in its whole length, or measured, is started as people start it.
    """
    return (
        Path(program).parent == Path(sys.executable).parent
        and Path(program).name in SCRIPTS
        and not any(name.startswith(AT_START) for name in environment)
        and not any(name.startswith("COVERAGE_") for name in os.environ)
        and soak.SHARE < 1
    )


@cache
def _server() -> socket.socket:
    """Start the server; return where it is asked. It ends with this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        name = "tests.integration.fork_server"
        subprocess.Popen(
            [sys.executable, "-m", name, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # each program has its own
            pass_fds=[theirs.fileno()],
            cwd=Path(__file__).parents[2],
        )
    return ours


class Forked:
    """A script of this environment, in a process that was forked; has what tests use of `Popen`."""

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        directory: Path | None,
        output: int,
        errors: int,
    ) -> None:
        self.args = arguments
        self.returncode: int | None = None
        self._lock = threading.Lock()
        self._told, teller = os.pipe()
        request = Request(list(arguments), dict(environment), str(directory or Path.cwd()))
        message = json.dumps(request._asdict()).encode()
        socket.send_fds(_server(), [message], [output, errors, teller])
        os.close(teller)
        self.pid = self._number()

    def poll(self) -> int | None:
        """Return its exit status (negative: the signal that ended it), None while it runs."""
        with self._lock:
            if self.returncode is None and self._is_told(0):
                self.returncode = self._number()
                os.close(self._told)
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit status once it has ended; raises subprocess.TimeoutExpired."""
        limit = None if timeout is None else monotonic() + timeout
        while (status := self.poll()) is None:
            left = 1.0 if limit is None else limit - monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
            self._is_told(min(left, 1.0))
        return status

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # as of subprocess: it may have ended just now
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def _is_told(self, timeout: float) -> bool:
        """Return whether the server has told more within so many seconds."""
        return bool(select.select([self._told], [], [], timeout)[0])

    def _number(self) -> int:
        told = os.read(self._told, NUMBER.size)
        if not told:
            raise RuntimeError("the fork server has ended; see what it printed")
        (number,) = NUMBER.unpack(told)
        return int(number)
