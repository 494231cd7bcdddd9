"""The instruments: decorators and context managers, shared by every client.

A wrong argument raises where a function is decorated. In a running call nothing ever raises: what
can't be recorded is dropped and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypedDict, overload

from zibrato.client.arguments import MISSING, ONE, Arguments, raise_if_plain
from zibrato.client.bound import (
    CountExceptions,
    CountMe,
    DirectCounter,
    DirectRecorder,
    DirectTimer,
    F,
    InProgress,
    TimeMe,
)
from zibrato.client.lookup import Lookup
from zibrato.model import GAUGE

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = [
    "CountExceptions",
    "CountMe",
    "ExceptionOptions",
    "InProgress",
    "Instruments",
    "Options",
    "SeriesOptions",
    "TimeMe",
    "TimeOptions",
    "ValueOptions",
]


class SeriesOptions(TypedDict, total=False):
    """Options of every instrument, in addition to the name."""

    level: str | int
    source: str | None
    tags: Mapping[str, str] | None


class Options(SeriesOptions, total=False):
    """Options of instruments that may record another kind than their own."""

    mtype: str


class ValueOptions(Options, total=False):
    """Options of decorators and context managers."""

    value: float


class TimeOptions(ValueOptions, total=False):
    """Options of `time_me`."""

    outcome: bool


class ExceptionOptions(ValueOptions, total=False):
    """Options of `count_exceptions`."""

    exceptions: type[BaseException] | tuple[type[BaseException], ...]


class Instruments(Lookup):
    """The instruments of a client.

    Every instrument takes `name` first (1 to 255 characters; a decorator's default is the
    function's module and qualified name), and by keyword `level` (a name, a label or a number),
    `mtype` (counter, timer or gauge), `source` and `tags` (strings by name; few values a tag).

    A running call never raises, whatever its arguments are. Therefore each instrument accepts any
    arguments, instead of leaving it to Python to reject them. A wrong argument is an error to a
    type checker, raises at decoration, and is counted as dropped in a running call.
    """

    if TYPE_CHECKING:

        @overload
        def count_me(self, function: F, /) -> F: ...
        @overload
        def count_me(self, name: str | None = None, **options: Unpack[ValueOptions]) -> CountMe: ...
        def count_me(self, *given: object, **options: object) -> object: ...
        @overload
        def count_exceptions(self, function: F, /) -> F: ...
        @overload
        def count_exceptions(
            self, name: str | None = None, **options: Unpack[ExceptionOptions]
        ) -> CountExceptions: ...
        def count_exceptions(self, *given: object, **options: object) -> object: ...
        @overload
        def time_me(self, function: F, /) -> F: ...
        @overload
        def time_me(self, name: str | None = None, **options: Unpack[TimeOptions]) -> TimeMe: ...
        def time_me(self, *given: object, **options: object) -> object: ...
        @overload
        def in_progress(self, function: F, /) -> F: ...
        @overload
        def in_progress(
            self, name: str | None = None, **options: Unpack[SeriesOptions]
        ) -> InProgress: ...
        def in_progress(self, *given: object, **options: object) -> object: ...
        def count(self, name: str, value: float = 1, **options: Unpack[Options]) -> None: ...
        def timing(self, name: str, value: float, **options: Unpack[Options]) -> None: ...
        def gauge(
            self, name: str, value: float | Callable[[], float], **options: Unpack[Options]
        ) -> None: ...

    else:
        # One argument has two parameters, positional and by keyword: Python would raise if it were
        # given twice, and looking for it in `options` would cost as much as the call. A surplus
        # positional argument is taken for such a name before `surplus` gets it. So Python rejects
        # one kind of call: with a surplus argument and with `name=`. Keyword-only parameters would
        # avoid that, but cost every call 10 ns.

        def count_me(self, name_=None, /, name=None, *surplus, **options):
            """count_me(name=None, *, value=1, **options)

            Return a decorator and context manager that adds `value` for each call.

            Calls that raise count, too. It may be used without parentheses: `@z.count_me`.
            """
            try:
                if not options:
                    if name_ is None:
                        return self._counters[name]
                    if name is None:
                        return self._counters[name_]
            except (KeyError, TypeError):  # not cached yet, or unhashable
                pass
            except Exception:
                raise_if_plain(name_, name)
            return self._for_calls(CountMe, self._counters, (name_, name), surplus, options)

        def count_exceptions(self, name_=None, /, name=None, *surplus, **options):
            """count_exceptions(name=None, *, exceptions=Exception, value=1, **options)

            Return a decorator and context manager that counts the calls that an exception ends.

            `exceptions` is a class or a tuple of classes. It may be used without parentheses.
            """
            try:
                if not options:
                    if name_ is None:
                        return self._exceptions[name]
                    if name is None:
                        return self._exceptions[name_]
            except (KeyError, TypeError):  # not cached yet, or unhashable
                pass
            except Exception:
                raise_if_plain(name_, name)
            return self._for_calls(
                CountExceptions, self._exceptions, (name_, name), surplus, options
            )

        def time_me(self, name_=None, /, name=None, *surplus, **options):
            """time_me(name=None, *, outcome=False, **options)

            Return a decorator and context manager that records the seconds that a call takes.

            It may be used without parentheses: `@z.time_me`. A `value` is ignored. With
            `outcome` a tag of that name says how each call ended: `ok`, `error` or `cancelled`.
            """
            try:
                if not options:
                    if name_ is None:
                        return self._timers[name]
                    if name is None:
                        return self._timers[name_]
            except (KeyError, TypeError):  # not cached yet, or unhashable
                pass
            except Exception:
                raise_if_plain(name_, name)
            return self._for_calls(TimeMe, self._timers, (name_, name), surplus, options)

        def in_progress(self, name_=None, /, name=None, *surplus, **options):
            """in_progress(name=None, **options)

            Return a decorator and context manager for a gauge of how many calls are in progress.

            The gauge is read once a second. It takes no `value` and no `mtype`, and may be used
            without parentheses.
            """
            try:
                if not options:
                    if name_ is None:
                        return self._in_progress[name]
                    if name is None:
                        return self._in_progress[name_]
            except (KeyError, TypeError):  # not cached yet, or unhashable
                pass
            except Exception:
                raise_if_plain(name_, name)
            return self._for_calls(InProgress, self._in_progress, (name_, name), surplus, options)

        def count(self, name_=None, value_=ONE, /, name=None, value=ONE, *surplus, **options):
            """count(name, value=1, **options)

            Add `value` to a counter.
            """
            try:
                if not options:
                    if name is None:
                        if value is ONE:
                            self._counts[name_](value_)
                            return
                        if value_ is ONE:
                            self._counts[name_](value)
                            return
                    elif name_ is None:
                        self._counts[name](value)
                        return
            except (KeyError, TypeError):
                pass
            except Exception:
                raise_if_plain(name_, name)
            self._record(DirectCounter, (name_, name), (value_, value), surplus, options)

        def timing(
            self, name_=None, value_=MISSING, /, name=None, value=MISSING, *surplus, **options
        ):
            """timing(name, value, **options)

            Record a duration of `value` seconds.
            """
            try:
                if not options:
                    if name is None:
                        if value is MISSING:
                            if value_ is not MISSING:
                                self._timings[name_](value_)
                                return
                        elif value_ is MISSING:
                            self._timings[name_](value)
                            return
                    elif name_ is None and value is not MISSING:
                        self._timings[name](value)
                        return
            except (KeyError, TypeError):
                pass
            except Exception:
                raise_if_plain(name_, name)
            self._record(DirectTimer, (name_, name), (value_, value), surplus, options)

        def gauge(
            self, name_=None, value_=MISSING, /, name=None, value=MISSING, *surplus, **options
        ):
            """gauge(name, value, **options)

            Record `value` as a reading. If `value` is a callable, it is called once a second from
            now on, and its result is recorded. It replaces the callable that the series had before.
            A method is held weakly: it is called while its object lives.
            """
            try:
                if not options:
                    if name is None:
                        if value is MISSING:
                            if value_ is not MISSING:
                                self._gauges[name_](value_)
                                return
                        elif value_ is MISSING:
                            self._gauges[name_](value)
                            return
                    elif name_ is None and value is not MISSING:
                        self._gauges[name](value)
                        return
            except (KeyError, TypeError):
                pass
            except Exception:
                raise_if_plain(name_, name)
            self._record(DirectRecorder, (name_, name), (value_, value), surplus, options)

    Count_me = count_me
    Time_me = time_me

    def bind_gauge(
        self,
        name: str,
        *,
        level: str | int = "info",
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Callable[[float], object]:
        """Return a function that records a reading of one gauge, at the least cost.

        Raises TypeError or ValueError for a wrong argument.
        """
        return self._recorder.append(Arguments(name, MISSING, level, GAUGE, source, tags))
