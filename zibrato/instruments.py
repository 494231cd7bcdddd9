"""The instruments: decorators and context managers, shared by every client.

A wrong argument raises where a function is decorated. In a running call nothing ever raises: what
can't be recorded is dropped and counted.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn, TypeVar

from .buffers import Buffers
from .levels import EVERYTHING, LEVELS, LevelFilter, level_name
from .model import COUNTER, GAUGE, KINDS, TIMER, Series
from .stopwatch import Stopwatch
from .wrapping import count_calls, full_name, time_calls

F = TypeVar("F", bound=Callable[..., Any])
MAX_NAME = 255
MAX_CACHED = 10_000


class Arguments(NamedTuple):
    """What an instrument was asked for, unchecked."""

    name: str | None
    value: Any
    level: str | int
    mtype: str
    source: str | None
    tags: Mapping[str, str] | None
    unknown: Mapping[str, Any]

    def for_function(self, function: Any) -> Arguments:
        """Return these arguments, the name made of the function's where there is none."""
        if self.name is None and callable(getattr(function, "__func__", function)):
            return self._replace(name=full_name(function)[-MAX_NAME:])
        return self

    def check(self) -> None:
        """Raise TypeError or ValueError for what can't be meant."""
        if self.unknown:
            raise TypeError(
                f"unknown argument {', '.join(sorted(self.unknown))}; expected some of "
                "level, mtype, name, value, source, tags"
            )
        if not isinstance(self.name, str) or not 0 < len(self.name) <= MAX_NAME:
            raise ValueError(f"name: expected 1 to {MAX_NAME} characters, got {self.name!r}")
        if self.mtype not in KINDS:
            raise ValueError(f"mtype: expected one of {', '.join(KINDS)}, got {self.mtype!r}")
        if not isinstance(self.value, int | float):
            raise TypeError(f"value: expected a number, got {self.value!r}")
        if not math.isfinite(self.value):
            raise ValueError(f"value: expected a finite number, got {self.value!r}")


class Recorder:
    """Finds the buffers that arguments mean, for one client: its level, source and tags."""

    def __init__(
        self,
        buffers: Buffers,
        *,
        level: str | int | None = None,
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self._buffers = buffers
        self._levels = EVERYTHING if level is None else threshold(level)
        self._source = source
        self._tags = dict(tags or {})
        self._disabled = os.environ.get("ZIBRATO_DISABLED", "") not in ("", "0")

    def is_off(self, arguments: Arguments) -> bool:
        """Return whether such measurements are to cost nothing."""
        return self._disabled or not self._levels.passes(level_name(arguments.level))

    def event(self, arguments: Arguments) -> Callable[[], object]:
        """Return what records `value` once; raises TypeError or ValueError."""
        series = self._series(arguments)
        if series is None:
            return _nothing
        if series.kind == COUNTER:
            return self._buffers.ticks(series, arguments.value).tick
        append, value = self._buffers.values(series).append, arguments.value
        return lambda: append(value)

    def append(self, arguments: Arguments) -> Callable[[Any], object]:
        """Return what records the value that it is called with; raises TypeError or ValueError."""
        series = self._series(arguments)
        return _nothing if series is None else self._buffers.values(series).append

    def refuse(self, *_: Any) -> None:
        """Count a measurement that can't be recorded."""
        self._buffers.dropped["argument"] += 1

    def _series(self, arguments: Arguments) -> Series | None:
        arguments.check()
        if self.is_off(arguments):
            return None
        tags = {**self._tags, **{str(k): str(v) for k, v in (arguments.tags or {}).items()}}
        return Series(
            arguments.mtype,
            str(arguments.name),
            arguments.source or self._source or "",
            tuple(sorted(tags.items())),
            level_name(arguments.level),
        )


class CountMe:
    """Counts calls of a function, or entries into a `with`; `count()` counts one directly."""

    __slots__ = ("_arguments", "_recorder", "count")

    def __init__(self, recorder: Recorder, arguments: Arguments) -> None:
        self._recorder = recorder
        self._arguments = arguments
        self.count: Callable[[], object]
        try:
            self.count = recorder.event(arguments)
        except (TypeError, ValueError):
            self.count = recorder.refuse

    def __call__(self, function: F) -> F:
        """Return `function` counted, or itself where the level is off."""
        arguments = self._arguments.for_function(function)
        event = self._recorder.event(arguments)
        wrapped: F = function if event is _nothing else count_calls(function, event)
        return wrapped

    def __enter__(self) -> None:
        self.count()

    def __exit__(self, *_: object) -> None:
        """Let an exception pass."""

    async def __aenter__(self) -> None:
        self.count()

    async def __aexit__(self, *_: object) -> None:
        """Let an exception pass."""


class TimeMe(Stopwatch):
    """Times calls of a function, or the body of a `with`; `record(seconds)` records directly."""

    __slots__ = ("_arguments", "_recorder")

    def __init__(self, recorder: Recorder, arguments: Arguments) -> None:
        self._recorder = recorder
        self._arguments = arguments
        try:
            super().__init__(recorder.append(arguments))
        except (TypeError, ValueError):
            super().__init__(recorder.refuse)

    def __call__(self, function: F) -> F:
        """Return `function` timed, or itself where the level is off."""
        arguments = self._arguments.for_function(function)
        append = self._recorder.append(arguments)
        wrapped: F = function if append is _nothing else time_calls(function, append)
        return wrapped


class Direct:
    """Records the values it is given; `record` takes one."""

    __slots__ = ("record",)

    def __init__(self, recorder: Recorder, arguments: Arguments) -> None:
        try:
            self.record = recorder.append(arguments)
        except (TypeError, ValueError):
            self.record = recorder.refuse


Made = TypeVar("Made", CountMe, TimeMe, Direct)


class Instruments:
    """Everything a client offers for recording.

    Every instrument takes `level` (a name, a label or a number), `mtype` (counter, timer or
    gauge), `name` (1 to 255 characters; a decorator's default is the function's module and
    qualified name), `source` and `tags` (strings by name; few values a tag).

    `unknown` arguments are errors to a type checker, and at decoration; they are collected so that
    a running call can drop them, counted, where Python itself would raise.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._made: dict[Any, Any] = {}

    def count_me(
        self,
        *,
        name: str | None = None,
        value: float = 1,
        level: str | int = "info",
        mtype: str = COUNTER,
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
        **unknown: NoReturn,
    ) -> CountMe:
        """Return a decorator and context manager that adds `value` a call, also one that raises."""
        arguments = Arguments(name, value, level, mtype, source, tags, unknown)
        return self._make(CountMe, arguments)

    def time_me(
        self,
        *,
        name: str | None = None,
        value: float = 0,
        level: str | int = "info",
        mtype: str = TIMER,
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
        **unknown: NoReturn,
    ) -> TimeMe:
        """Return a decorator and context manager that records the seconds that a call takes.

        `value` is overwritten by the time.
        """
        arguments = Arguments(name, value, level, mtype, source, tags, unknown)
        return self._make(TimeMe, arguments)

    Count_me = count_me
    Time_me = time_me

    def count(
        self,
        name: str | None = None,
        value: float = 1,
        *,
        level: str | int = "info",
        mtype: str = COUNTER,
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
        **unknown: NoReturn,
    ) -> None:
        """Add `value` to a counter."""
        arguments = Arguments(name, 0, level, mtype, source, tags, unknown)
        self._make(Direct, arguments).record(value)

    def timing(
        self,
        name: str | None = None,
        value: float = 0,
        *,
        level: str | int = "info",
        mtype: str = TIMER,
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
        **unknown: NoReturn,
    ) -> None:
        """Record a duration of `value` seconds."""
        arguments = Arguments(name, 0, level, mtype, source, tags, unknown)
        self._make(Direct, arguments).record(value)

    def gauge(
        self,
        name: str | None = None,
        value: float = 0,
        *,
        level: str | int = "info",
        mtype: str = GAUGE,
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
        **unknown: NoReturn,
    ) -> None:
        """Record a reading of `value`."""
        arguments = Arguments(name, 0, level, mtype, source, tags, unknown)
        self._make(Direct, arguments).record(value)

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
        return self._recorder.append(Arguments(name, 0, level, GAUGE, source, tags, {}))

    def _make(self, kind: type[Made], arguments: Arguments) -> Made:
        """Return the instrument of these arguments, kept for the next call with the same ones."""
        if arguments.tags or arguments.unknown:
            return kind(self._recorder, arguments)
        key = (kind, *arguments[:5])
        try:
            found: Made | None = self._made.get(key)
        except TypeError:  # an unhashable argument, which the instrument refuses
            return kind(self._recorder, arguments)
        if found is None:
            found = kind(self._recorder, arguments)
            if len(self._made) < MAX_CACHED:
                self._made[key] = found
        return found


def _nothing(*_: Any) -> None:
    """Take the place of a recording that is off."""


def threshold(level: str | int) -> LevelFilter:
    """Return the filter that passes the standard `level` and those above it."""
    name = level_name(level)
    if name not in LEVELS:
        raise ValueError(f"level: expected one of {', '.join(LEVELS)} as threshold, got {level!r}")
    return LevelFilter.parse(f"{name}+")
