"""Runs a command in this one's place: it gets the signals, and this process ends as it does."""

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
    """Run it to its end; return its exit status, or a signal's number below 0 where that ended it.

    Raises OSError where it can't be run. Signals stay blocked afterwards, so that what is left to
    do here is done; `end_as` ends that.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, there would be no status
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, WAITED_FOR)
    try:
        pid = _spawn(command, mask)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        # A script that doesn't say what runs it: a shell runs it itself, as `env` and `timeout` do.
        script = shutil.which(command[0]) or command[0]
        pid = _spawn([SHELL, script, *command[1:]], mask)
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        _pass_on(signal.sigwaitinfo(WAITED_FOR), pid)


def _spawn(command: list[str], mask: Iterable[int]) -> int:
    # Python ignores these two, which a command must not inherit; of all others it has our own ways.
    defaults = (signal.SIGPIPE, signal.SIGXFSZ)
    return os.posix_spawnp(command[0], command, os.environ, setsigmask=mask, setsigdef=defaults)


def _pass_on(received: signal.struct_siginfo, pid: int) -> None:
    # What comes from the kernel, as ^C does, comes to all processes of a terminal's foreground.
    if received.si_signo != signal.SIGCHLD and received.si_code <= 0:
        with suppress(OSError):  # it has ended by now, or is somebody else's
            os.kill(pid, received.si_signo)


def end_as(status: int) -> NoReturn:
    """End this process as a command did: a shell tells a signal from a status, and stops for it."""
    if status < 0:
        with suppress(OSError, ValueError):
            _, limit = resource.getrlimit(resource.RLIMIT_CORE)
            resource.setrlimit(resource.RLIMIT_CORE, (0, limit))  # the core that counts is its own
            with suppress(OSError):  # there is no other way than the default for SIGKILL
                signal.signal(-status, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {-status})
            os.kill(os.getpid(), -status)
    sys.exit(status if status >= 0 else 128 - status)
