"""Handle results that aren't finished yet: a Deferred, a future, a coroutine, ….

This module imports none of their libraries: it recognizes such results by their methods.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import suppress
from types import CoroutineType
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
End = Callable[[float, BaseException | None], object]
"""Called with the start of a call, and the exception that ended it, or None."""
# Any: the types that an adapter accepts are only known at run time, beyond all type checkers.
Adapter = Callable[[Any, End, float], object]
_MAX_TYPES = 10_000


class FailureLike(Protocol):
    """The part of a Deferred's failure that is used here."""

    value: BaseException


class DeferredLike(Protocol):
    """The part of a Deferred that is used here."""

    def addCallbacks(
        self,
        callback: Callable[[object], object],
        errback: Callable[[FailureLike], object],
        /,
    ) -> object:
        """Call one of these with the result or the failure, and continue with what it returns."""


class FutureLike(Protocol):
    """The part of asyncio's futures, and others like them, that is used here."""

    def add_done_callback(self, callback: Callable[[FutureLike], object], /) -> object:
        """Call this with the future when the future is done."""

    def cancelled(self) -> bool:
        """Return whether the future was cancelled."""

    def exception(self) -> BaseException | None:
        """Return the future's exception."""


class AwaitableLike(Protocol):
    """What an awaitable may have; most have only the first of these methods."""

    def __await__(self) -> Generator[object, object, object]:
        """Wait for its result."""

    def __aenter__(self) -> Awaitable[object]:
        """Enter its context."""

    def __aexit__(self, *error: object) -> Awaitable[bool | None]:
        """Leave its context."""

    def __aiter__(self) -> AsyncIterator[object]:
        """Begin its iteration."""


class FutureCancelled(BaseException):
    """Stands for the cancellation of a future, whose own exception isn't requested."""


def adapt_deferred(result: DeferredLike, end: End, start: float) -> object:
    """Call `end` when the Deferred fires, with or without a failure, and return it."""

    def done(value: object) -> object:
        end(start, None)
        return value

    def failed(failure: FailureLike) -> object:
        end(start, failure.value)
        return failure

    return result.addCallbacks(done, failed)


def adapt_future(result: FutureLike, end: End, start: float) -> FutureLike:
    """Call `end` when the future is done, failed or cancelled, and return it."""
    result.add_done_callback(lambda future: end(start, _failure(future)))
    return result


def _failure(future: FutureLike) -> BaseException | None:
    """Return a future's exception; asyncio still warns if nobody else retrieves it."""
    try:
        if future.cancelled():
            return FutureCancelled()
        if hasattr(future, "_exception"):  # `exception()` would mark it as retrieved
            error: BaseException | None = future._exception
            return error
        return future.exception()
    except BaseException as error:
        return error


async def adapt_coroutine(result: Awaitable[T], end: End, start: float) -> T:
    """Return a coroutine that awaits this one and calls `end` afterwards."""
    try:
        value = await result
    except BaseException as error:
        end(start, error)
        raise
    end(start, None)
    return value


class AwaitableProxy:
    """Stands for an awaitable that may have other features, too, such as a context manager's."""

    def __init__(self, awaitable: AwaitableLike, end: End, start: float) -> None:
        self._zibrato = (awaitable, end, start)

    # Python looks up special methods on the type and bypasses `__getattr__`, so the others are
    # defined here.
    def __getattr__(self, name: str) -> object:
        return getattr(self._zibrato[0], name)

    def __await__(self) -> Generator[object, object, object]:
        awaitable, end, start = self._zibrato
        try:
            value = yield from awaitable.__await__()
        except BaseException as error:
            end(start, error)
            raise
        end(start, None)
        return value

    async def __aenter__(self) -> object:
        return await self._zibrato[0].__aenter__()

    async def __aexit__(self, *error: BaseException | None) -> bool | None:
        awaitable, end, start = self._zibrato
        try:
            swallows = await awaitable.__aexit__(*error)
        except BaseException as raised:
            end(start, raised)
            raise
        end(start, None if swallows or len(error) < 2 else error[1])
        return swallows

    def __aiter__(self) -> AsyncIterator[object]:
        return self._zibrato[0].__aiter__()


class Adapters(dict[type, "Adapter | None"]):
    """The adapter for each type of result, chosen at its first result; None if it is finished.

    `finished` has the types of finished results, for the fastest look-up.
    """

    def __init__(self) -> None:
        super().__init__()
        self.finished: set[type] = set()

    def __missing__(self, kind: type) -> Adapter | None:
        if len(self) >= _MAX_TYPES:  # types that are made at run time must not pile up
            self.clear()
            self.finished.clear()  # in place: every wrapper holds this very set
        adapter = self[kind] = _adapter(kind)
        if adapter is None:
            self.finished.add(kind)
        return adapter

    def adapt(self, result: object, end: End, start: float) -> object:
        """Have `end` called when `result` ends; return `result` or an object that stands for it."""
        # An adapter may run the result's code: a future whose loop is closed accepts no callback.
        with suppress(Exception):
            adapter = self[type(result)]
            if adapter is not None:
                return adapter(result, end, start)
        end(start, None)
        return result


def _adapter(kind: type) -> Adapter | None:
    # Check this first: a Deferred can be awaited, too, but its owner wants to add callbacks.
    if hasattr(kind, "addBoth") and hasattr(kind, "addCallbacks"):
        return adapt_deferred
    if not hasattr(kind, "__await__"):
        return None
    # A future must remain one, for asyncio.wait and the like, so it is watched and not wrapped.
    if hasattr(kind, "add_done_callback"):
        return adapt_future
    return adapt_coroutine if issubclass(kind, CoroutineType) else AwaitableProxy


adapters = Adapters()
"""One for the process: whether results of a type are finished is the same for every client."""
