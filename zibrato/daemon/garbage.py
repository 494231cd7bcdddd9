"""Short pauses for Python's collector of garbage, however much the process has in memory."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from time import monotonic, thread_time

from twisted.application.service import Service

THRESHOLDS = 4, 1
"""After so many collections of a generation comes one of the next, the last being a full one.

Python's 10 are for what only adds objects. What is freed meanwhile counts against what is new: in
between there are up to ten times as many new ones here as its first threshold has.
"""
SLOW = 0.005
"""Seconds of a full collection from which on the next is spared what this one went through."""
PERIOD = 3600.0
"""Seconds after which it is asked whether what is spared has grown, and so may hold garbage."""
GROWTH = 2.0


class LongLived(Service):
    """Spares full collections what was there at the start, and what survived one that was slow.

    All of a process stands still meanwhile, a second with a million objects such as the series of
    a store. Only cycles wait for the collector: what is spared is still freed with its last
    reference. Everything is gone through where what is spared has doubled: cycles may be why.
    """

    def __init__(self) -> None:
        self._started = 0.0
        self._asked = monotonic()
        self._spared: int | None = None
        """Objects when it was asked, None where everything was gone through since."""
        self._thresholds = gc.get_threshold()

    def startService(self) -> None:
        """Begin, for all of the process."""
        Service.startService(self)
        self._thresholds = gc.get_threshold()
        gc.set_threshold(self._thresholds[0], *THRESHOLDS)
        gc.freeze()
        gc.callbacks.append(self._noted)

    def stopService(self) -> None:
        """Leave everything to the collector again."""
        Service.stopService(self)
        gc.callbacks.remove(self._noted)
        gc.set_threshold(*self._thresholds)
        gc.unfreeze()

    def _noted(self, phase: str, info: Mapping[str, int]) -> None:
        if info["generation"] < 2:
            return
        if phase == "start":
            self._ask(monotonic())
            self._started = thread_time()
        # The processor's time: on a busy machine a short collection may last long, too.
        elif thread_time() - self._started >= SLOW:
            gc.freeze()

    def _ask(self, now: float) -> None:
        """Have this collection go through everything if it is time to, and worth it."""
        if now - self._asked < PERIOD:
            return
        self._asked = now
        spared = gc.get_freeze_count()
        if self._spared is None:
            self._spared = spared
        elif spared >= GROWTH * self._spared:
            self._spared = None
            gc.unfreeze()
