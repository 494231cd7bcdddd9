"""Has workers call a function as they end, which they do by `os._exit`, without `atexit`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

LAST = -100
"""The priority of what is to be finalized after the host's own."""


class FinalizerModule(Protocol):
    """What is used of `multiprocessing.util`, and of the copy that billiard has."""

    def Finalize(
        self, obj: None, callback: Callable[[], object], *, exitpriority: int
    ) -> object: ...


class ExitHooks:
    """Has `finish` called at the end of workers of multiprocessing, billiard and celery.

    They are met where the host has imported them, so `register` is to be called again in a child.
    """

    def __init__(self, finish: Callable[[], object]) -> None:
        self._finish = finish
        self._registered: set[str] = set()

    def register(self) -> None:
        """Register wherever that is possible, and not done yet."""
        for package in ("multiprocessing", "billiard"):
            with suppress(Exception):  # it may be being imported just now
                self._register_pool(package)
        with suppress(Exception):
            self._register_celery()

    def _register_pool(self, package: str) -> None:
        """Register with multiprocessing, or with celery's copy of it.

        A worker forgets the finalizers it inherits, then calls what was registered to be called
        after a fork: there a new one can be made. It may be too late for that in this process.
        """
        if f"{package}.util" not in sys.modules:
            return
        util, process = sys.modules[f"{package}.util"], sys.modules[f"{package}.process"]
        if package not in self._registered:
            # It is kept by a weak reference to its first argument, so that must be an object that
            # lives as long as the process.
            util.register_after_fork(self, lambda hooks: hooks.finalize(util))
            self._registered.add(package)
        if process.current_process().name != "MainProcess":
            self.finalize(util)

    def finalize(self, util: FinalizerModule) -> None:
        """Have this process finish at its end."""
        util.Finalize(None, self._finish, exitpriority=LAST)

    def _register_celery(self) -> None:
        signals = sys.modules.get("celery.signals")
        if signals is not None:
            # `dispatch_uid` makes another call replace this one.
            signals.worker_process_shutdown.connect(
                self._shut_down, weak=False, dispatch_uid="zibrato"
            )

    def _shut_down(self, **_: object) -> None:
        self._finish()
