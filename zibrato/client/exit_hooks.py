"""Has workers call a function as they end, which they do by `os._exit`, without `atexit`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

LAST = -100
"""The priority of what is to be finalized after the host's own."""


class Leaving:
    """Has `finish` called at the end of workers of multiprocessing, billiard and celery.

    They are met where the host has imported them, so `arm` is to be called again in a child.
    """

    def __init__(self, finish: Callable[[], object]) -> None:
        self._finish = finish
        self._armed: set[str] = set()

    def arm(self) -> None:
        """Register wherever that is possible, and not done yet."""
        for package in ("multiprocessing", "billiard"):
            with suppress(Exception):  # it may be being imported just now
                self._arm_pool(package)
        with suppress(Exception):
            self._arm_celery()

    def _arm_pool(self, package: str) -> None:
        """Register with multiprocessing, or with celery's copy of it.

        A worker forgets the finalizers it inherits, then calls what was registered to be called
        after a fork: there a new one can be made. It may be too late for that in this process.
        """
        if f"{package}.util" not in sys.modules:
            return
        util, process = sys.modules[f"{package}.util"], sys.modules[f"{package}.process"]
        if package not in self._armed:
            util.register_after_fork(self, lambda leaving: leaving.finalize(util))
            self._armed.add(package)
        if process.current_process().name != "MainProcess":
            self.finalize(util)

    def finalize(self, util: Any) -> None:
        """Have this process finish at its end."""
        util.Finalize(None, self._finish, exitpriority=LAST)

    def _arm_celery(self) -> None:
        signals = sys.modules.get("celery.signals")
        if signals is not None:
            signals.worker_process_shutdown.connect(
                self._shut_down, weak=False, dispatch_uid="zibrato"
            )

    def _shut_down(self, **_: object) -> None:
        self._finish()
