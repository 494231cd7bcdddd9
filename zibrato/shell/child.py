"""Run a command in place of this process: it gets the signals, and this process ends as it does."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import NoReturn

FORWARDED = {
    *(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM),
    *(signal.SIGUSR1, signal.SIGUSR2),
}
SHELL = "/bin/sh"
WAITED_FOR = {*FORWARDED, signal.SIGCHLD}


def run(command: list[str]) -> int:
    """Run a command; return its exit status, or minus the number of the signal that ended it.

    Raises OSError if the command can't be run. Signals stay blocked afterwards, so that this
    process can finish its work; `end_as` unblocks them.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # if it were ignored, there would be no status
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, WAITED_FOR)
    try:
        pid = _spawn(command, mask)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        # A script without an interpreter line: a shell runs it itself, as `env` and `timeout` do.
        script = shutil.which(command[0]) or command[0]
        pid = _spawn([SHELL, script, *command[1:]], mask)
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        _pass_on(signal.sigwaitinfo(WAITED_FOR), pid)


def _spawn(command: list[str], mask: Iterable[int]) -> int:
    # Python ignores these two, and the command must not inherit that; all others are as we got
    # them.
    defaults = (signal.SIGPIPE, signal.SIGXFSZ)
    return os.posix_spawnp(command[0], command, os.environ, setsigmask=mask, setsigdef=defaults)


def _pass_on(received: signal.struct_siginfo, pid: int) -> None:
    # A signal from the kernel, such as that of ^C, goes to all processes in a terminal's
    # foreground.
    if received.si_signo != signal.SIGCHLD and received.si_code <= 0:
        with suppress(OSError):  # it has ended, or belongs to somebody else
            os.kill(pid, received.si_signo)


def end_as(status: int) -> NoReturn:
    """End this process as the command did, by a status or a signal: shells distinguish these."""
    if status < 0:
        with suppress(OSError, ValueError):
            _, limit = resource.getrlimit(resource.RLIMIT_CORE)
            resource.setrlimit(resource.RLIMIT_CORE, (0, limit))  # the core that counts is its own
            with suppress(OSError):  # SIGKILL can't have a handler
                signal.signal(-status, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {-status})
            os.kill(os.getpid(), -status)
    sys.exit(status if status >= 0 else 128 - status)
