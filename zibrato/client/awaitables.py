"""What to do with a result that isn't finished yet: a Deferred, a future, a coroutine, ….

Nothing here imports what makes such results: they are known by their methods.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from time import perf_counter
from types import CoroutineType
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Record = Callable[[float], object]
# Any: which types an adapter takes is looked up when the program runs, past all checkers.
Adapter = Callable[[Any, float, Record], object]
_MAX_TYPES = 10_000


class DeferredLike(Protocol):
    """What is used of a Deferred."""

    def addBoth(self, callback: Callable[[object], object], /) -> object:
        """Call it with the result or the failure, and go on with what it returns."""


class FutureLike(Protocol):
    """What is used of asyncio's futures and their like."""

    def add_done_callback(self, callback: Callable[[object], object], /) -> object:
        """Call it with the future, when that is done."""


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


def adapt_deferred(result: DeferredLike, start: float, record: Record) -> object:
    """Record when the Deferred fires, either way, and return it."""

    def done(value: object) -> object:
        record(perf_counter() - start)
        return value

    return result.addBoth(done)


def adapt_future(result: FutureLike, start: float, record: Record) -> FutureLike:
    """Record when the future is done, failed or cancelled, and return it."""
    result.add_done_callback(lambda _: record(perf_counter() - start))
    return result


async def adapt_coroutine(result: Awaitable[T], start: float, record: Record) -> T:
    """Return a coroutine that awaits this one and records its end."""
    try:
        return await result
    finally:
        record(perf_counter() - start)


class AwaitableProxy:
    """Stands for an awaitable that may be more than that, such as a context manager, too."""

    def __init__(self, awaitable: AwaitableLike, start: float, record: Record) -> None:
        self._zibrato = (awaitable, start, record)

    # Python looks special methods up on the type, past `__getattr__`: the others are here by hand.
    def __getattr__(self, name: str) -> object:
        return getattr(self._zibrato[0], name)

    def __await__(self) -> Generator[object, object, object]:
        awaitable, start, record = self._zibrato
        try:
            return (yield from awaitable.__await__())
        finally:
            record(perf_counter() - start)

    async def __aenter__(self) -> object:
        return await self._zibrato[0].__aenter__()

    async def __aexit__(self, *error: object) -> bool | None:
        awaitable, start, record = self._zibrato
        try:
            return await awaitable.__aexit__(*error)
        finally:
            record(perf_counter() - start)

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

    def adapt(self, result: object, start: float, record: Record) -> object:
        """Give the seconds to its end to `record`; return what stands for `result`, or itself."""
        adapter = self[type(result)]
        if adapter is not None:
            return adapter(result, start, record)
        record(perf_counter() - start)
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
