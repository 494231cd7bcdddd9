"""The daemon with a probe in its reactor that looks how late a timer of 10 ms comes."""

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
    """The Unix time that a call was due at, and how many seconds it was late.

    `used` are seconds of processor time that the reactor had used since it was asked: where other
    programs have the processor too, that much alone is the daemon's.
    """

    due: float
    late: float
    used: float


class Probe(Service):
    """Asks `clock` to be called in 10 ms, again and again.

    For each call it writes a line, with what a `Look` has. It keeps nothing, so that the memory of
    the process stays its own.
    """

    def __init__(self, clock: IReactorTime, path: Path) -> None:
        self._clock = clock
        self._path = path

    def startService(self) -> None:
        """Begin to look."""
        Service.startService(self)
        self._file = self._path.open("w")
        self._again(self._clock.seconds())

    def stopService(self) -> None:
        """Look no more."""
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
    """Return a daemon with the options of $ZIBRATO_OPTIONS, and a probe that writes to $PROBE."""
    from twisted.internet import reactor

    options = Options()
    options.parseOptions(shlex.split(os.environ["ZIBRATO_OPTIONS"]))
    whole: IServiceCollection = Application("zibrato")
    parts: list[IService] = [makeService(options), Probe(reactor, Path(os.environ["PROBE"]))]
    for part in parts:
        part.setServiceParent(whole)
    return whole


def read(path: Path) -> list[Look]:
    """Return all looks, once the daemon has ended."""
    return [Look(*map(float, line.split())) for line in path.read_text().splitlines()]
