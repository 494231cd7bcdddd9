"""What the daemon can tell of its own process: memory, and how late the reactor runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.task import LoopingCall

PERIOD = 0.25


def resident_memory() -> int | None:
    """Return the resident memory in bytes, None where the platform has no /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


class LagMeter(Service):
    """Measures how late timed calls come, in seconds."""

    def __init__(self, clock: Any) -> None:
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
