"""Keeps the pauses of Python's garbage collector short, however large the process is."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from time import monotonic, thread_time

from twisted.application.service import Service

THRESHOLDS = 4, 1
"""The second and third of `gc`'s thresholds: after so many collections of one generation, the next
older one is collected; that of the oldest is a full collection.

Python's default, 10 for each, is for programs that only add objects. Here objects are freed, too,
and Python subtracts those: up to ten times as many new objects as its first threshold come between
two collections.
"""
SLOW = 0.005
"""Seconds of a full collection from which the surviving objects are exempted from the next."""
PERIOD = 3600.0
"""Seconds between checks whether the exempted objects have grown, and so may contain garbage."""
GROWTH = 2.0
"""How many times as many exempted objects are taken for a sign of garbage."""


class LongLived(Service):
    """Exempts long-lived objects from full collections, with `gc.freeze`.

    Exempted are the objects that exist at the start, and those that survive a slow full collection.
    The whole process stands still during a collection: for a second with a million objects, such
    as the series of a store. An exempted object is still freed with its last reference; only
    cycles wait for the collector. If the number of exempted objects doubles, cycles may be the
    reason, so a collection goes through all objects.
    """

    def __init__(self) -> None:
        self._started = 0.0
        self._asked = monotonic()
        self._spared: int | None = None
        """The exempted objects at an earlier check; None after a collection of all objects."""
        self._thresholds = gc.get_threshold()

    def startService(self) -> None:
        """Set the garbage collector up, for the whole process."""
        Service.startService(self)
        self._thresholds = gc.get_threshold()
        gc.set_threshold(self._thresholds[0], *THRESHOLDS)
        gc.freeze()
        gc.callbacks.append(self._noted)

    def stopService(self) -> None:
        """Restore the garbage collector's own behaviour."""
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
        # CPU time, because on a busy machine even a short collection may take long.
        elif thread_time() - self._started >= SLOW:
            gc.freeze()

    def _ask(self, now: float) -> None:
        """Have this collection go through all objects, if that is due and worthwhile."""
        if now - self._asked < PERIOD:
            return
        self._asked = now
        spared = gc.get_freeze_count()
        if self._spared is None:
            self._spared = spared
        elif spared >= GROWTH * self._spared:
            self._spared = None
            gc.unfreeze()
