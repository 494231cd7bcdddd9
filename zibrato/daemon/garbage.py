"""Short pauses for Python's collector of garbage, however much the process has in memory."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from time import monotonic

from twisted.application.service import Service

SLOW = 0.05
"""Seconds of a full collection from which on the next is spared what this one went through."""
PERIOD = 3600.0
"""Seconds after which one goes through everything again: what was spared may be garbage by then."""


class LongLived(Service):
    """Spares full collections what survived one that was slow.

    All of a process stands still meanwhile, a second with a million objects such as the series of
    a store. Only cycles wait for the collector: what is spared is still freed with its last
    reference.
    """

    def __init__(self) -> None:
        self._started = 0.0
        self._whole = monotonic()

    def startService(self) -> None:
        """Begin, for all of the process."""
        Service.startService(self)
        gc.callbacks.append(self._noted)

    def stopService(self) -> None:
        """Leave everything to the collector again."""
        Service.stopService(self)
        gc.callbacks.remove(self._noted)
        gc.unfreeze()

    def _noted(self, phase: str, info: Mapping[str, int]) -> None:
        if info["generation"] < 2:
            return
        now = monotonic()
        if phase == "start":
            self._started = now
            if now - self._whole >= PERIOD:
                self._whole = now
                gc.unfreeze()
        elif now - self._started >= SLOW:
            gc.freeze()
