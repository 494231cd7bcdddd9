"""The context manager that times its body, one object for any number of bodies at once."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from time import perf_counter
from typing import Any

# A context (a thread's, a task's) has a stack of running stopwatches: (stopwatch, start, below).
# It is one variable for all of them, since contexts keep their variables alive.
_Running = tuple["Stopwatch", float, Any]
_running: ContextVar[_Running | None] = ContextVar("zibrato_running", default=None)
_get = _running.get
_set = _running.set


class Stopwatch:
    """Gives the seconds that each body of `with` or `async with` takes to `record`.

    Threads and tasks may use it at once, and bodies may nest, without their times mixing.
    """

    __slots__ = ("record",)

    def __init__(self, record: Callable[[Any], object]) -> None:
        self.record = record

    def __enter__(self) -> None:
        _set((self, perf_counter(), _get()))

    def __exit__(self, *_: object) -> None:
        running = _get()
        if running is not None and running[0] is self:
            self.record(perf_counter() - running[1])
            _set(running[2])
        else:
            self._exit_out_of_order(running)

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        self.__exit__()

    def _exit_out_of_order(self, running: _Running | None) -> None:
        """End the newest body of this stopwatch below others', as interleaved generators do."""
        above = []
        while running is not None and running[0] is not self:
            above.append(running)
            running = running[2]
        if running is None:
            return
        self.record(perf_counter() - running[1])
        below = running[2]
        for stopwatch, start, _ in reversed(above):
            below = (stopwatch, start, below)
        _set(below)
