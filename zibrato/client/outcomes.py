"""How a call ended, and the buffers for its seconds by outcome."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

OUTCOMES = ("ok", "error", "cancelled")
"""The values of the tag `outcome`."""
TAG = "outcome"
Append = Callable[[object], object]
Exceptions = tuple[type[BaseException], ...]


class Outcomes:
    """Puts the seconds of calls into the buffers for their outcomes."""

    __slots__ = ("_cancelled", "_error", "ok")

    def __init__(self, ok: Append, error: Append, cancelled: Append) -> None:
        self.ok = ok
        self._error = error
        self._cancelled = cancelled

    def end(self, start: float, error: BaseException | None) -> None:
        """Record a call that began at `start`, by `perf_counter`, and ended with `error`."""
        seconds = perf_counter() - start
        if error is None:
            self.ok(seconds)
        elif is_cancellation(error):
            self._cancelled(seconds)
        else:
            self._error(seconds)


def is_cancellation(error: BaseException) -> bool:
    """Return whether a call was ended from outside.

    `except Exception` doesn't catch such an error, for example asyncio's cancellation or the
    closing of a generator; Twisted's and concurrent.futures' CancelledError count, too. Those are
    recognized by name, so that nothing is imported for this.
    """
    if not isinstance(error, Exception):
        return True
    return any(type.__dict__["__name__"].__get__(kind) == "CancelledError" for kind in kinds(error))


def matches(error: object, exceptions: Exceptions) -> bool:
    """Return whether `except exceptions` would catch the error, whatever its `__class__` says."""
    return any(kind is wanted for kind in kinds(error) for wanted in exceptions)


def kinds(error: object) -> tuple[type, ...]:
    """Return the classes of an error, whatever its `__class__` says."""
    classes: tuple[type, ...] = type.__dict__["__mro__"].__get__(type(error))
    return classes
