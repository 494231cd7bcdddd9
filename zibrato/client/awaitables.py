"""What to do with a result that isn't finished yet: a Deferred, a future, a coroutine, ….

Nothing here imports what makes such results: they are known by their methods.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import suppress
from types import CoroutineType
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
End = Callable[[float, BaseException | None], object]
"""Takes when a call began, and the exception that ended it, if one did."""
# Any: which types an adapter takes is looked up when the program runs, past all checkers.
Adapter = Callable[[Any, End, float], object]
_MAX_TYPES = 10_000


class FailureLike(Protocol):
    """What is used of a Deferred's failure."""

    value: BaseException


class DeferredLike(Protocol):
    """What is used of a Deferred."""

    def addCallbacks(
        self,
        callback: Callable[[object], object],
        errback: Callable[[FailureLike], object],
        /,
    ) -> object:
        """Call one of them with the result or the failure, and go on with what it returns."""


class FutureLike(Protocol):
    """What is used of asyncio's futures and their like."""

    def add_done_callback(self, callback: Callable[[FutureLike], object], /) -> object:
        """Call it with the future, when that is done."""

    def cancelled(self) -> bool:
        """Return whether it was."""

    def exception(self) -> BaseException | None:
        """Return its exception."""


class AwaitableLike(Protocol):
    """What an awaitable may have; most have the first of these alone."""

    def __await__(self) -> Generator[object, object, object]:
        """Wait for its result."""

    def __aenter__(self) -> Awaitable[object]:
        """Enter its context."""

    def __aexit__(self, *error: object) -> Awaitable[bool | None]:
        """Leave its context."""

    def __aiter__(self) -> AsyncIterator[object]:
        """Begin its iteration."""


class FutureCancelled(BaseException):
    """Stands for the cancellation of a future, which is asked for no exception of its own."""


def adapt_deferred(result: DeferredLike, end: End, start: float) -> object:
    """Tell when the Deferred fires, either way, and return it."""

    def done(value: object) -> object:
        end(start, None)
        return value

    def failed(failure: FailureLike) -> object:
        end(start, failure.value)
        return failure

    return result.addCallbacks(done, failed)


def adapt_future(result: FutureLike, end: End, start: float) -> FutureLike:
    """Tell when the future is done, failed or cancelled, and return it."""
    result.add_done_callback(lambda future: end(start, _failure(future)))
    return result


def _failure(future: FutureLike) -> BaseException | None:
    """Return what a future failed with; asyncio goes on warning where nobody else asks for it."""
    try:
        if future.cancelled():
            return FutureCancelled()
        if hasattr(future, "_exception"):  # `exception()` would count as somebody who has asked
            error: BaseException | None = future._exception
            return error
        return future.exception()
    except BaseException as error:
        return error


async def adapt_coroutine(result: Awaitable[T], end: End, start: float) -> T:
    """Return a coroutine that awaits this one and tells its end."""
    try:
        value = await result
    except BaseException as error:
        end(start, error)
        raise
    end(start, None)
    return value


class AwaitableProxy:
    """Stands for an awaitable that may be more than that, such as a context manager, too."""

    def __init__(self, awaitable: AwaitableLike, end: End, start: float) -> None:
        self._zibrato = (awaitable, end, start)

    # Python looks special methods up on the type, past `__getattr__`: the others are here by hand.
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
    """The adapter of results by their type, chosen at its first result; None: they are done.

    `finished` are the types of the latter, to be looked up the fastest way.
    """

    def __init__(self) -> None:
        super().__init__()
        self.finished: set[type] = set()

    def __missing__(self, kind: type) -> Adapter | None:
        if len(self) >= _MAX_TYPES:  # types made at run time must not pile up
            self.clear()
            self.finished.clear()  # in place: every wrapper holds this very set
        adapter = self[kind] = _adapter(kind)
        if adapter is None:
            self.finished.add(kind)
        return adapter

    def adapt(self, result: object, end: End, start: float) -> object:
        """Have `end` called at its end; return what stands for `result`, or itself."""
        # It may run code of the result's own: a future whose loop is closed takes no callback.
        with suppress(Exception):
            adapter = self[type(result)]
            if adapter is not None:
                return adapter(result, end, start)
        end(start, None)
        return result


def _adapter(kind: type) -> Adapter | None:
    # First, as a Deferred can be awaited too: who gets one wants to add callbacks.
    if hasattr(kind, "addBoth") and hasattr(kind, "addCallbacks"):
        return adapt_deferred
    if not hasattr(kind, "__await__"):
        return None
    # A future must remain one, for asyncio.wait and the like: it isn't wrapped, but watched.
    if hasattr(kind, "add_done_callback"):
        return adapt_future
    return adapt_coroutine if issubclass(kind, CoroutineType) else AwaitableProxy


adapters = Adapters()
"""The process's own: what kind of result a type makes is the same for every client."""
