"""How a call ended, and where its seconds go by that."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

OK, ERROR, CANCELLED = OUTCOMES = ("ok", "error", "cancelled")
"""The values of the tag `outcome`."""
TAG = "outcome"
Append = Callable[[object], object]
Exceptions = tuple[type[BaseException], ...]


class Outcomes:
    """Takes the seconds of calls to the buffer of what came of each."""

    __slots__ = ("_cancelled", "_error", "ok")

    def __init__(self, ok: Append, error: Append, cancelled: Append) -> None:
        self.ok = ok
        self._error = error
        self._cancelled = cancelled

    def end(self, start: float, error: BaseException | None) -> None:
        """Record what began at `start`, by the clock of `perf_counter`, and ended with `error`."""
        seconds = perf_counter() - start
        if error is None:
            self.ok(seconds)
        elif is_cancellation(error):
            self._cancelled(seconds)
        else:
            self._error(seconds)


def is_cancellation(error: BaseException) -> bool:
    """Return whether what ended a call came from outside.

    That is what no `except Exception` catches, asyncio's cancellation and the closing of a
    generator for two, and Twisted's or concurrent.futures' CancelledError. Those are known by their
    name, as nothing is imported for it.
    """
    if not isinstance(error, Exception):
        return True
    return any(type.__dict__["__name__"].__get__(kind) == "CancelledError" for kind in kinds(error))


def matches(error: object, exceptions: Exceptions) -> bool:
    """Return whether `except exceptions` would catch it, whatever its class says of itself."""
    return any(kind is wanted for kind in kinds(error) for wanted in exceptions)


def kinds(error: object) -> tuple[type, ...]:
    """Return the classes that an error is of, past whatever its own says of itself."""
    classes: tuple[type, ...] = type.__dict__["__mro__"].__get__(type(error))
    return classes
