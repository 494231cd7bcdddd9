"""The daemon with a probe in its reactor that looks how late a timer of 10 ms comes."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

from twisted.application.service import Application, Service

from zibrato.service import Options, make_service

PERIOD = 0.01


class Probe(Service):
    """Asks `clock` to be called in 10 ms, again and again.

    When stopped it writes for each call the Unix time that it was due at and the seconds that it
    was late, as JSON.
    """

    def __init__(self, clock: Any, path: Path) -> None:
        self._clock = clock
        self._path = path
        self._seen: list[tuple[float, float]] = []

    def startService(self) -> None:
        """Begin to look."""
        Service.startService(self)
        self._again(self._clock.seconds())

    def stopService(self) -> None:
        """Write down what was seen."""
        Service.stopService(self)
        self._call.cancel()
        self._path.write_text(json.dumps(self._seen))

    def _again(self, now: float) -> None:
        self._due = now + PERIOD
        self._call = self._clock.callLater(PERIOD, self._look)

    def _look(self) -> None:
        now = self._clock.seconds()
        self._seen.append((self._due, now - self._due))
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
