"""The context manager that times its body; one object can time any number of bodies at once.

A `with` statement loads `__exit__` before its body begins, and keeps it on its own frame until the
body ends (the language reference, 8.5). So each statement gets its own `__exit__`: a finish that is
bound to the time of its loading. Threads, tasks, generators and recursion can't mix what they don't
share, and nothing has to be stored or looked up.

A caller of `__enter__` and `__exit__` by name, such as ExitStack, gets other methods. An implicit
look-up ignores the attributes of an instance (the data model, 3.3.12), an explicit one doesn't.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from time import perf_counter
from types import MethodType
from typing import TYPE_CHECKING

from zibrato.client.awaitables import End

Error = BaseException | None
Finish = Callable[[float, object, Error, object], None]

# A stack of what was entered by name in a context (of a thread or a task): (finish, start, below).
# All stopwatches share one variable, because contexts keep their variables alive.
_Running = tuple[Finish, float, "_Running | None"]
_running: ContextVar[_Running | None] = ContextVar("zibrato_running", default=None)
_get = _running.get
_set = _running.set


class _Loaded:
    """Gives each `with` statement an `__exit__` of its own, when it begins."""

    __slots__ = ()

    def __get__(self, stopwatch: Stopwatch | None, _owner: type) -> Callable[..., None]:
        if stopwatch is None:  # `type(stopwatch).__exit__`, which the caller calls with a stopwatch
            return _exit
        # Bind a function to a number, the start: a method passes the object that it is bound to as
        # the first argument. Nothing written in Python stores it as cheaply.
        return MethodType(stopwatch._finish, perf_counter())


class _ByName(type):
    """Provides `type(stopwatch).__enter__` for callers by name, such as ExitStack.

    A look-up by name on the class finds a property of the metaclass before the class's own
    attribute. `with` looks on the class, too, but ignores its metaclass: it gets the cheap method
    below.
    """

    @property
    def __enter__(cls) -> Callable[[Stopwatch], None]:
        return _enter


class Stopwatch(metaclass=_ByName):
    """Passes the seconds of each body of `with` or `async with` to `record`.

    Threads and tasks may use it at the same time, and bodies may nest, without mixing their times.
    """

    __slots__ = ("__dict__", "_finish", "record")

    def __init__(self, record: Callable[[float], object], end: End | None = None) -> None:
        """Call `end`, if given, instead of `record`, with a body's start and its exception."""

        def finish(start: float, _kind: object, _error: object, _traceback: object) -> None:
            record(perf_counter() - start)

        def finish_with(start: float, _kind: object, error: Error, _traceback: object) -> None:
            end(start, error)  # type: ignore[misc]  # unused if `end` is None

        self.record = record
        self._finish: Finish = finish if end is None else finish_with
        # `stopwatch.__enter__()` finds these first; `with` never looks at an instance.
        self.__dict__["__enter__"] = MethodType(_push, self._finish)
        self.__dict__["__exit__"] = MethodType(_pop, self._finish)

    if TYPE_CHECKING:

        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

    else:
        __enter__ = [].clear  # the cheapest way to do nothing and return None
        __exit__ = _Loaded()

    async def __aenter__(self) -> None:
        _push(self._finish)

    async def __aexit__(self, kind: object = None, error: Error = None, *_: object) -> None:
        _pop(self._finish, kind, error)


def _enter(stopwatch: Stopwatch) -> None:
    _push(stopwatch._finish)


def _exit(stopwatch: Stopwatch, kind: object = None, error: Error = None, *_: object) -> None:
    _pop(stopwatch._finish, kind, error)


def _push(finish: Finish) -> None:
    _set((finish, perf_counter(), _get()))


def _pop(finish: Finish, _kind: object = None, error: Error = None, *_: object) -> None:
    """End the newest body of this stopwatch, even if others are above it: generators interleave."""
    running = _get()
    above: list[_Running] = []
    while running is not None and running[0] is not finish:
        above.append(running)
        running = running[2]
    if running is None:
        return
    finish(running[1], None, error, None)
    # Put back what was entered later: its owner ends its newest body first, too.
    below: _Running | None = running[2]
    for other, start, _below in reversed(above):
        below = (other, start, below)
    _set(below)
