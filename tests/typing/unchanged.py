"""Reveals the types of functions, first as they are written, then instrumented.

tests/test_typing.py holds the two of each pair to be the same, in mypy and in pyright. The check of
the whole project leaves this file out, since mypy prints what is revealed.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import Any, Generic, Protocol, TypeVar, overload

from twisted.internet.defer import Deferred, inlineCallbacks
from typing_extensions import ParamSpec, reveal_type

from zibrato import Zibrato

T = TypeVar("T")
P = ParamSpec("P")
z = Zibrato("ipc:///tmp/typing")


def every_kind(a: int, /, b: str, c: float = 1.0, *args: bytes, d: bool, **more: object) -> str:
    raise NotImplementedError


def generic(value: T, others: list[T]) -> dict[str, T]:
    raise NotImplementedError


def higher_order(function: Callable[P, T]) -> Callable[P, list[T]]:
    raise NotImplementedError


@overload
def overloaded(value: int) -> int: ...
@overload
def overloaded(value: str, base: int = ...) -> str: ...
def overloaded(value: int | str, base: int = 10) -> int | str:
    raise NotImplementedError


async def coroutine(url: str, *, retries: int = 3) -> bytes:
    raise NotImplementedError


def generator(limit: int) -> Iterator[int]:
    yield limit


async def async_generator(limit: int) -> AsyncIterator[int]:
    yield limit


def awaitable(url: str) -> Awaitable[bytes]:
    raise NotImplementedError


def deferred(url: str) -> Deferred[bytes]:
    raise NotImplementedError


class Callback(Protocol):
    def __call__(self, event: str, /, *, urgent: bool = ...) -> None: ...


def protocol() -> Callback:
    raise NotImplementedError


reveal_type(every_kind)
reveal_type(z.count_me()(every_kind))
reveal_type(every_kind)
reveal_type(z.time_me()(every_kind))
reveal_type(every_kind)
reveal_type(z.Time_me(level="debug", name="t")(z.Count_me(name="c", value=2)(every_kind)))
reveal_type(every_kind)
reveal_type(z.time_me(z.count_me(every_kind)))
reveal_type(generic)
reveal_type(z.time_me()(generic))
reveal_type(generic)
reveal_type(z.time_me(generic))
reveal_type(higher_order)
reveal_type(z.time_me()(higher_order))
reveal_type(overloaded)
reveal_type(z.time_me()(overloaded))
reveal_type(coroutine)
reveal_type(z.time_me()(coroutine))
reveal_type(coroutine)
reveal_type(z.count_exceptions()(z.time_me("t", outcome=True)(coroutine)))
reveal_type(deferred)
reveal_type(z.in_progress(z.in_progress("p")(deferred)))
reveal_type(generator)
reveal_type(z.time_me()(generator))
reveal_type(async_generator)
reveal_type(z.time_me()(async_generator))
reveal_type(awaitable)
reveal_type(z.time_me()(awaitable))
reveal_type(deferred)
reveal_type(z.time_me()(deferred))
reveal_type(protocol())
reveal_type(z.time_me()(protocol()))
reveal_type(functools.partial(coroutine, retries=1))
reveal_type(z.time_me()(functools.partial(coroutine, retries=1)))


class Plain(Generic[T]):
    def method(self, key: str, default: T) -> T:
        raise NotImplementedError

    async def coroutine(self, key: str) -> T:
        raise NotImplementedError

    @classmethod
    def make(cls, **options: int) -> Plain[T]:
        raise NotImplementedError

    @staticmethod
    def parse(text: str, base: int = 10) -> int:
        raise NotImplementedError

    @property
    def size(self) -> int:
        raise NotImplementedError

    @overload
    def get(self, key: str) -> T | None: ...
    @overload
    def get(self, key: str, default: T) -> T: ...
    def get(self, key: str, default: Any = None) -> Any:
        raise NotImplementedError

    @inlineCallbacks
    def inline(self, key: str) -> Generator[Deferred[Any], Any, bytes]:
        raise NotImplementedError


class Instrumented(Generic[T]):
    @z.time_me()
    @z.count_me()
    def method(self, key: str, default: T) -> T:
        raise NotImplementedError

    @z.time_me()
    async def coroutine(self, key: str) -> T:
        raise NotImplementedError

    @classmethod
    @z.time_me()
    def make(cls, **options: int) -> Plain[T]:
        raise NotImplementedError

    @staticmethod
    @z.time_me()
    def parse(text: str, base: int = 10) -> int:
        raise NotImplementedError

    @property
    @z.time_me()
    def size(self) -> int:
        raise NotImplementedError

    @overload
    def get(self, key: str) -> T | None: ...
    @overload
    def get(self, key: str, default: T) -> T: ...
    @z.time_me()
    def get(self, key: str, default: Any = None) -> Any:
        raise NotImplementedError

    @z.time_me()
    @inlineCallbacks
    def inline(self, key: str) -> Generator[Deferred[Any], Any, bytes]:
        raise NotImplementedError


class Outside:
    """The other order."""

    @z.time_me()
    @classmethod
    def make(cls, **options: int) -> Plain[str]:
        raise NotImplementedError

    @z.count_me()
    @staticmethod
    def parse(text: str, base: int = 10) -> int:
        raise NotImplementedError


plain: Plain[str] = Plain()
instrumented: Instrumented[str] = Instrumented()
reveal_type(plain.method)
reveal_type(instrumented.method)
reveal_type(plain.coroutine)
reveal_type(instrumented.coroutine)
reveal_type(plain.make)
reveal_type(instrumented.make)
reveal_type(plain.parse)
reveal_type(instrumented.parse)
reveal_type(plain.size)
reveal_type(instrumented.size)
reveal_type(plain.get)
reveal_type(instrumented.get)
reveal_type(plain.inline)
reveal_type(instrumented.inline)
reveal_type(plain.make)
reveal_type(Outside.make)
reveal_type(plain.parse)
reveal_type(Outside.parse)
