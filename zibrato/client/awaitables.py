"""What to do with a result that isn't finished yet: a Deferred, a future, a coroutine, ….

Nothing here imports what makes such results: they are known by their methods.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from time import perf_counter
from types import CoroutineType
from typing import Any

Record = Callable[[float], object]
# Any: an adapter takes results of the types that it is chosen for, and returns what is like them.
Adapter = Callable[[Any, float, Record], Any]
_MAX_TYPES = 10_000


def adapt_deferred(result: Any, start: float, record: Record) -> Any:
    """Record when the Deferred fires, either way, and return it."""

    def done(value: Any) -> Any:
        record(perf_counter() - start)
        return value

    return result.addBoth(done)


def adapt_future(result: Any, start: float, record: Record) -> Any:
    """Record when the future is done, failed or cancelled, and return it."""
    result.add_done_callback(lambda _: record(perf_counter() - start))
    return result


async def adapt_coroutine(result: Awaitable[Any], start: float, record: Record) -> Any:
    """Return a coroutine that awaits this one and records its end."""
    try:
        return await result
    finally:
        record(perf_counter() - start)


class AwaitableProxy:
    """Stands for an awaitable that may be more than that, such as a context manager, too."""

    def __init__(self, awaitable: Any, start: float, record: Record) -> None:
        self._zibrato = (awaitable, start, record)

    # Python looks special methods up on the type, past `__getattr__`: the others are here by hand.
    def __getattr__(self, name: str) -> Any:
        return getattr(self._zibrato[0], name)

    def __await__(self) -> Generator[Any, Any, Any]:
        awaitable, start, record = self._zibrato
        try:
            return (yield from awaitable.__await__())
        finally:
            record(perf_counter() - start)

    async def __aenter__(self) -> Any:
        return await self._zibrato[0].__aenter__()

    async def __aexit__(self, *error: Any) -> Any:
        awaitable, start, record = self._zibrato
        try:
            return await awaitable.__aexit__(*error)
        finally:
            record(perf_counter() - start)

    def __aiter__(self) -> Any:
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

    def adapt(self, result: Any, start: float, record: Record) -> Any:
        """Give the seconds to its end to `record`; return what stands for `result`, or itself."""
        adapter = self[type(result)]
        if adapter is not None:
            return adapter(result, start, record)
        record(perf_counter() - start)
        return result


def _adapter(kind: type) -> Adapter | None:
    if hasattr(kind, "addBoth") and hasattr(kind, "addCallbacks"):
        return adapt_deferred
    if not hasattr(kind, "__await__"):
        return None
    if hasattr(kind, "add_done_callback"):
        return adapt_future
    return adapt_coroutine if issubclass(kind, CoroutineType) else AwaitableProxy


adapters = Adapters()
"""The process's own: what kind of result a type makes is the same for every client."""
