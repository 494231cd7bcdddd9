"""Measures the lag of a reactor: how late it makes timed calls."""

from __future__ import annotations

import time
from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

PERIOD = 0.25
"""Seconds between two timed calls; a shorter block of the reactor may fall between them."""


class LagMeter(Service):
    """Measures how late timed calls are, in seconds."""

    def __init__(
        self, clock: IReactorTime, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._monotonic = monotonic
        self._loop = LoopingCall(self._look)
        self._loop.clock = clock
        self._due = 0.0
        self._worst = 0.0

    def startService(self) -> None:
        """Start measuring."""
        Service.startService(self)
        self._due = self._monotonic() + PERIOD
        self._loop.start(PERIOD, now=False)

    def stopService(self) -> None:
        """Stop measuring."""
        Service.stopService(self)
        self._loop.stop()

    def take(self) -> float:
        """Return the largest lag since the last call of `take`."""
        worst, self._worst = self._worst, 0.0
        return worst

    def _look(self) -> None:
        now = self._monotonic()
        self._worst = max(self._worst, now - self._due)
        self._due = now + PERIOD
