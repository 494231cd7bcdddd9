"""The daemon with a probe in its reactor that looks how late a timer of 10 ms comes."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

from twisted.application.service import Application, Service

from zibrato.service import Options, make_service

PERIOD = 0.01


class Probe(Service):
    """Asks `clock` to be called in 10 ms, again and again.

    For each call it writes a line: the Unix time that it was due at, and the seconds that it was
    late. It keeps nothing, so that the memory of the process stays its own.
    """

    def __init__(self, clock: Any, path: Path) -> None:
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
        self._call = self._clock.callLater(PERIOD, self._look)

    def _look(self) -> None:
        now = self._clock.seconds()
        self._file.write(f"{self._due:.3f} {now - self._due:.6f}\n")
        self._again(now)


def application() -> Any:
    """Return a daemon with the options of $ZIBRATO_OPTIONS, and a probe that writes to $PROBE."""
    from twisted.internet import reactor

    options = Options()
    options.parseOptions(shlex.split(os.environ["ZIBRATO_OPTIONS"]))
    whole = Application("zibrato")
    parts: list[Any] = [make_service(options), Probe(reactor, Path(os.environ["PROBE"]))]
    for part in parts:
        part.setServiceParent(whole)
    return whole


def read(path: Path) -> list[tuple[float, float]]:
    """Return when each call was due and how late it was, once the daemon has ended."""
    pairs = map(str.split, path.read_text().splitlines())
    return [(float(due), float(late)) for due, late in pairs]
