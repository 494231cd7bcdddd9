"""The daemon with a probe in its reactor, which measures how late a 10 ms timer is."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path
from typing import NamedTuple

from twisted.application.service import Application, IService, IServiceCollection, Service
from twisted.internet.interfaces import IReactorTime

from zibrato.service import Options, makeService

PERIOD = 0.01


class Look(NamedTuple):
    """The Unix time at which a call was due, and how many seconds it was late.

    `used` are the seconds of processor time that the reactor used since the call was scheduled. If
    other programs use the processor, too, only that part of the lateness is the daemon's.
    """

    due: float
    late: float
    used: float


class Probe(Service):
    """Schedules a call on `clock` in 10 ms, again and again.

    For each call it writes a line with the fields of a `Look`. It keeps nothing in memory, so that
    the memory of the process remains that of the daemon.
    """

    def __init__(self, clock: IReactorTime, path: Path) -> None:
        self._clock = clock
        self._path = path

    def startService(self) -> None:
        """Start measuring."""
        Service.startService(self)
        self._file = self._path.open("w")
        self._again(self._clock.seconds())

    def stopService(self) -> None:
        """Stop measuring."""
        Service.stopService(self)
        self._call.cancel()
        self._file.close()

    def _again(self, now: float) -> None:
        self._due = now + PERIOD
        self._used = time.thread_time()
        self._call = self._clock.callLater(PERIOD, self._look)

    def _look(self) -> None:
        now = self._clock.seconds()
        used = time.thread_time() - self._used
        self._file.write(f"{self._due:.3f} {now - self._due:.6f} {used:.6f}\n")
        self._again(now)


def application() -> IServiceCollection:
    """Return a daemon with the options in $ZIBRATO_OPTIONS, and a probe that writes to $PROBE."""
    from twisted.internet import reactor

    options = Options()
    options.parseOptions(shlex.split(os.environ["ZIBRATO_OPTIONS"]))
    whole: IServiceCollection = Application("zibrato")
    parts: list[IService] = [makeService(options), Probe(reactor, Path(os.environ["PROBE"]))]
    for part in parts:
        part.setServiceParent(whole)
    return whole


def read(path: Path) -> list[Look]:
    """Read all looks from the file, after the daemon has ended."""
    return [Look(*map(float, line.split())) for line in path.read_text().splitlines()]
