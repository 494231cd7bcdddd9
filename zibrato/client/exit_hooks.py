"""Call a function when a worker process ends, which it does by `os._exit`, without `atexit`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

LAST = -100
"""The priority of the finalizer, which must run after the host's own."""


class FinalizerModule(Protocol):
    """The part of `multiprocessing.util`, and of billiard's copy of it, that is used here."""

    def Finalize(
        self, obj: None, callback: Callable[[], object], *, exitpriority: int
    ) -> object: ...


class ExitHooks:
    """Calls `finish` when workers of multiprocessing, billiard and celery end.

    This works with packages that the host has imported, so call `register` again in a child.
    """

    def __init__(self, finish: Callable[[], object]) -> None:
        self._finish = finish
        self._registered: set[str] = set()

    def register(self) -> None:
        """Register with each package that is imported, unless that was done."""
        for package in ("multiprocessing", "billiard"):
            with suppress(Exception):  # the package may just be being imported
                self._register_pool(package)
        with suppress(Exception):
            self._register_celery()

    def _register_pool(self, package: str) -> None:
        """Register with multiprocessing, or with celery's copy of it.

        A worker forgets inherited finalizers, and then calls what was registered to run after a
        fork, which can make a new finalizer. In this process, it may be too late for that.
        """
        if f"{package}.util" not in sys.modules:
            return
        util, process = sys.modules[f"{package}.util"], sys.modules[f"{package}.process"]
        if package not in self._registered:
            # It holds only a weak reference to its first argument, so this must be an object that
            # lives as long as the process.
            util.register_after_fork(self, lambda hooks: hooks.finalize(util))
            self._registered.add(package)
        if process.current_process().name != "MainProcess":
            self.finalize(util)

    def finalize(self, util: FinalizerModule) -> None:
        """Call `finish` when this process ends."""
        util.Finalize(None, self._finish, exitpriority=LAST)

    def _register_celery(self) -> None:
        """Register with celery, once: its workers inherit that.

        In a forked child this could wait for ever: a thread of the parent may have held the lock
        that celery takes here.
        """
        signals = sys.modules.get("celery.signals")
        if signals is not None and "celery" not in self._registered:
            signals.worker_process_shutdown.connect(self._shut_down, weak=False)
            self._registered.add("celery")

    def _shut_down(self, **_: object) -> None:
        self._finish()
