"""What users write by hand around a function or a block if a library has nothing for it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from time import perf_counter
from typing import Any, ParamSpec, TypeVar

from benchmarks.measure import Snippet

__all__ = ["counted", "itself", "timed", "timed_block", "wrapped"]

F = TypeVar("F")
P = ParamSpec("P")
R = TypeVar("R")


def itself(function: F) -> F:
    """Return the function unchanged."""
    return function


def wrapped(function: Callable[P, Any]) -> Callable[P, Any]:
    """Return a function that only calls this one; Any: the result may be a coroutine."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def awaiting(*args: P.args, **kwargs: P.kwargs) -> object:
            return await function(*args, **kwargs)

        return awaiting

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> object:
        return function(*args, **kwargs)

    return wrapper


def counted(count: Callable[[], object]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that calls `count` before each call."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            count()
            return function(*args, **kwargs)

        return wrapper

    return decorate


def timed(record: Callable[[float], object]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that passes the seconds of each call to `record`."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            start = perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                record(perf_counter() - start)

        return wrapper

    return decorate


def timed_block(record: Callable[[float], object]) -> Snippet:
    """Return a statement that passes the seconds of its block to `record`."""
    statement = "start = clock()\ntry:\n    pass\nfinally:\n    record(clock() - start)"
    return Snippet(statement, {"clock": perf_counter, "record": record}, by_hand=True)
