"""How late a reactor runs what was scheduled."""

from __future__ import annotations

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

PERIOD = 0.25
"""Seconds between looks: a shorter block of the reactor may fall between two of them."""


class LagMeter(Service):
    """Measures how late timed calls come, in seconds."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._loop = LoopingCall(self._look)
        self._loop.clock = clock
        self._due = 0.0
        self._worst = 0.0

    def startService(self) -> None:
        """Begin to measure."""
        Service.startService(self)
        self._due = self._clock.seconds() + PERIOD
        self._loop.start(PERIOD, now=False)

    def stopService(self) -> None:
        """Stop measuring."""
        Service.stopService(self)
        self._loop.stop()

    def take(self) -> float:
        """Return the worst lag since the last call."""
        worst, self._worst = self._worst, 0.0
        return worst

    def _look(self) -> None:
        now = self._clock.seconds()
        self._worst = max(self._worst, now - self._due)
        self._due = now + PERIOD
