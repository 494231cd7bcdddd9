"""The arguments, types and descriptions of the instruments, for type checkers, editors and `help`.

What runs are the methods of `Instruments`, which take any arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import overload

from zibrato.client.bound import CountExceptions, CountMe, F, InProgress, TimeMe

__all__ = ["Signatures"]


class Signatures:
    """The instruments, as an application calls them."""

    @overload
    def count_me(self, function: F, /) -> F: ...
    @overload
    def count_me(
        self,
        name: str | None = None,
        *,
        value: float = 1,
        level: str | int = "info",
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
        mtype: str = "counter",
    ) -> CountMe: ...
    def count_me(
        self,
        name: Callable[..., object] | str | None = None,
        *,
        value: float = 1,
        level: str | int = "info",
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
        mtype: str = "counter",
    ) -> object:
        """Return a decorator and context manager that adds `value` for each call.

        Calls that raise count, too. It may be used without parentheses: `@z.count_me`. A decorator
        uses the function's module and qualified name by default.
        """
        raise NotImplementedError

    @overload
    def count_exceptions(self, function: F, /) -> F: ...
    @overload
    def count_exceptions(
        self,
        name: str | None = None,
        *,
        exceptions: type[BaseException] | tuple[type[BaseException], ...] = Exception,
        value: float = 1,
        level: str | int = "info",
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
        mtype: str = "counter",
    ) -> CountExceptions: ...
    def count_exceptions(
        self,
        name: Callable[..., object] | str | None = None,
        *,
        exceptions: type[BaseException] | tuple[type[BaseException], ...] = Exception,
        value: float = 1,
        level: str | int = "info",
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
        mtype: str = "counter",
    ) -> object:
        """Return a decorator and context manager that counts the calls that an exception ends.

        `exceptions` is a class or a tuple of classes. It may be used without parentheses. A
        decorator uses the function's module and qualified name by default.
        """
        raise NotImplementedError

    @overload
    def time_me(self, function: F, /) -> F: ...
    @overload
    def time_me(
        self,
        name: str | None = None,
        *,
        outcome: bool = False,
        value: float = 1,
        level: str | int = "info",
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
        mtype: str = "timer",
    ) -> TimeMe: ...
    def time_me(
        self,
        name: Callable[..., object] | str | None = None,
        *,
        outcome: bool = False,
        value: float = 1,
        level: str | int = "info",
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
        mtype: str = "timer",
    ) -> object:
        """Return a decorator and context manager that records the seconds that a call takes.

        It may be used without parentheses: `@z.time_me`. A decorator uses the function's module and
        qualified name by default. With `outcome` a tag of that name says how each call ended: `ok`,
        `error` or `cancelled`. A `value` is ignored.
        """
        raise NotImplementedError

    @overload
    def in_progress(self, function: F, /) -> F: ...
    @overload
    def in_progress(
        self,
        name: str | None = None,
        *,
        level: str | int = "info",
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> InProgress: ...
    def in_progress(
        self,
        name: Callable[..., object] | str | None = None,
        *,
        level: str | int = "info",
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> object:
        """Return a decorator and context manager for a gauge of how many calls are in progress.

        The gauge is read once a second. It may be used without parentheses. A decorator uses the
        function's module and qualified name by default.
        """
        raise NotImplementedError

    def count(
        self,
        name: str,
        value: float = 1,
        *,
        level: str | int = "info",
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
        mtype: str = "counter",
    ) -> None:
        """Add `value` to a counter; it may be negative or a float."""
        raise NotImplementedError

    def timing(
        self,
        name: str,
        value: float,
        *,
        level: str | int = "info",
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
        mtype: str = "timer",
    ) -> None:
        """Record a duration of `value` seconds."""
        raise NotImplementedError

    def gauge(
        self,
        name: str,
        value: float | Callable[[], float],
        *,
        level: str | int = "info",
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
        mtype: str = "gauge",
    ) -> None:
        """Record `value` as a reading.

        If `value` is a callable, it is called once a second from now on, and its result is
        recorded. It replaces the callable that the series had before. A method is held weakly: it
        is called while its object lives.
        """
        raise NotImplementedError

    Count_me = count_me
    Time_me = time_me
