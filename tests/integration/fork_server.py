"""A process that has imported what a daemon is made of, and forks for each that is asked for.

Imports are three quarters of what a start costs, and tests start hundreds. `forked.py` asks.
Run as `python -m tests.integration.fork_server DESCRIPTOR`, of a socket of whole messages.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import selectors
import signal
import socket
import struct
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

__all__ = ["NUMBER", "Request"]

NUMBER = struct.Struct("=i")
"""How a process id, and then an exit status, is told."""

IMPORTED = (
    *("twisted.scripts.twistd", "twisted.internet.epollreactor", "twisted.plugins.zibrato_plugin"),
    *("twisted.web.server", "twisted.web.client", "twisted.web.template", "treq", "OpenSSL.SSL"),
    *("twisted.words.iwords", "twisted.trial.itrial", "tubes.itube", "sqlite3", "zmq"),
    *("zibrato.service", "zibrato.workers.librato", "zibrato.store.backend"),
    *("zibrato.store.options", "zibrato.backends.librato.backend"),
    *("zibrato.backends.librato.options", "zibrato.intake.zeromq", "zibrato.intake.statsd"),
)
"""Modules that import no reactor, as txzmq does: two processes can't have the same one."""

OF_A_REACTOR = ("klein", "zibrato.store.web.service")
"""Modules that do, but only for `klein.run_app`: what they get instead is none."""


class Request(NamedTuple):
    """What is to be run: a Python script and its arguments."""

    arguments: list[str]
    environment: dict[str, str]
    directory: str


class _Server:
    """Forks, and tells what became of those that it forked."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._tellers: dict[int, int] = {}
        """By process id: where its exit status is told."""
        self._ended, wakeup = socket.socketpair()
        for end in (self._ended, wakeup):
            end.setblocking(False)
        self._wakeup = wakeup
        signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the tests' to end

    def serve(self) -> Request:
        """Return in a forked child what it has to run; raises SystemExit once nobody asks."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(self._ended, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._ended:
                        self._reap()
                    elif request := self._fork():
                        return request

    def _fork(self) -> Request | None:
        """Fork for a message; in the child return what it says."""
        message, descriptors, _, _ = socket.recv_fds(self._control, 1 << 20, 3)
        if not message:
            raise SystemExit
        output, errors, teller = descriptors
        pid = os.fork()
        if pid == 0:
            _become_a_program(output, errors)
            return Request(**json.loads(message))
        os.write(teller, NUMBER.pack(pid))
        self._tellers[pid] = teller
        os.close(output)
        os.close(errors)
        return None

    def _reap(self) -> None:
        """Tell how those ended that have."""
        self._ended.recv(4096)
        while self._tellers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            teller = self._tellers.pop(pid)
            with suppress(BrokenPipeError):  # where nobody asks any more
                os.write(teller, NUMBER.pack(os.waitstatus_to_exitcode(status)))
            os.close(teller)


def _become_a_program(output: int, errors: int) -> None:
    """Have signals and descriptors as a process has them that was started."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(output, 1)
    os.dup2(errors, 2)
    os.closerange(3, 1024)


def _import_without_a_reactor() -> None:
    """Import what a child would else have to, a half of its start; it imports its own reactor."""
    reactor = "twisted.internet.reactor"
    assert reactor not in sys.modules
    sys.modules[reactor] = ModuleType(reactor)
    for name in OF_A_REACTOR:
        import_module(name)
    del sys.modules[reactor]


def _run(request: Request) -> None:
    """Run the script as Python does, in this process."""
    os.chdir(request.directory)
    os.environ.clear()
    os.environ.update(request.environment)
    program = request.arguments[0]
    sys.argv = request.arguments
    sys.path[0] = str(Path(program).parent)
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    for name in IMPORTED:
        import_module(name)
    _import_without_a_reactor()
    gc.collect()
    gc.freeze()  # no child then looks through it, nor copies it by that
    _run(_Server(socket.socket(fileno=int(sys.argv[1]))).serve())
