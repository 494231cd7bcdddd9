"""The instruments: decorators and context managers, shared by every client.

A wrong argument raises where a function is decorated. In a running call nothing ever raises: what
can't be recorded is dropped and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from zibrato.client.decorators import count_calls, time_calls
from zibrato.client.recorder import Arguments, Recorder, noop
from zibrato.client.stopwatch import Stopwatch
from zibrato.model import COUNTER, GAUGE, TIMER

if TYPE_CHECKING:
    from typing_extensions import Unpack

F = TypeVar("F", bound=Callable[..., Any])  # Any: no other parameters stand for all of them
T = TypeVar("T")
Record = Callable[[object], object]
MAX_CACHED = 10_000


class Options(TypedDict, total=False):
    """What every instrument takes beside its name and value."""

    level: str | int
    mtype: str
    source: str | None
    tags: Mapping[str, str] | None


class ValueOptions(Options, total=False):
    """What decorators and context managers take beside their name."""

    value: float


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
            self.count = recorder.reject

    def __call__(self, function: F) -> F:
        """Return `function` counted, or itself where the level is off."""
        arguments = self._arguments.for_function(function)
        event = self._recorder.event(arguments)
        return function if event is noop else count_calls(function, event)

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
            super().__init__(recorder.reject)

    def __call__(self, function: F) -> F:
        """Return `function` timed, or itself where the level is off."""
        arguments = self._arguments.for_function(function)
        append = self._recorder.append(arguments)
        return function if append is noop else time_calls(function, append)


class DirectRecorder:
    """Records the values it is given; `record` takes one."""

    __slots__ = ("record",)

    def __init__(self, recorder: Recorder, arguments: Arguments) -> None:
        try:
            self.record: Record = recorder.append(arguments)
        except (TypeError, ValueError):
            self.record = recorder.reject


Instrument = TypeVar("Instrument", bound=CountMe | TimeMe | DirectRecorder)


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
        self._instruments: dict[tuple[object, ...], CountMe | TimeMe | DirectRecorder] = {}
        # Those that have a name and no option, by their name: to look one up costs a call the most.
        self._counters: dict[str | None, CountMe] = {}
        self._timers: dict[str | None, TimeMe] = {}
        self._counts: dict[str | None, Record] = {}
        self._timings: dict[str | None, Record] = {}
        self._gauges: dict[str | None, Record] = {}

    def count_me(self, *, name: str | None = None, **options: Unpack[ValueOptions]) -> CountMe:
        """Return a decorator and context manager that adds `value` a call, also one that raises."""
        try:
            if not options:
                return self._counters[name]
        except (KeyError, TypeError):  # unknown yet, or unhashable: which the instrument rejects
            pass
        arguments = _arguments(name, options.get("value", 1), COUNTER, options)
        return _cached(self._instrument(CountMe, arguments), name, options, self._counters)

    def time_me(self, *, name: str | None = None, **options: Unpack[ValueOptions]) -> TimeMe:
        """Return a decorator and context manager that records the seconds that a call takes.

        `value` is overwritten by the time.
        """
        try:
            if not options:
                return self._timers[name]
        except (KeyError, TypeError):
            pass
        arguments = _arguments(name, options.get("value", 0), TIMER, options)
        return _cached(self._instrument(TimeMe, arguments), name, options, self._timers)

    Count_me = count_me
    Time_me = time_me

    def count(self, name: str | None = None, value: float = 1, **options: Unpack[Options]) -> None:
        """Add `value` to a counter."""
        try:
            if not options:
                self._counts[name](value)
                return
        except (KeyError, TypeError):
            pass
        self._direct(name, COUNTER, options, self._counts)(value)

    def timing(self, name: str | None = None, value: float = 0, **options: Unpack[Options]) -> None:
        """Record a duration of `value` seconds."""
        try:
            if not options:
                self._timings[name](value)
                return
        except (KeyError, TypeError):
            pass
        self._direct(name, TIMER, options, self._timings)(value)

    def gauge(self, name: str | None = None, value: float = 0, **options: Unpack[Options]) -> None:
        """Record a reading of `value`."""
        try:
            if not options:
                self._gauges[name](value)
                return
        except (KeyError, TypeError):
            pass
        self._direct(name, GAUGE, options, self._gauges)(value)

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

    def _direct(
        self, name: str | None, mtype: str, options: Options, cache: dict[str | None, Record]
    ) -> Record:
        instrument = self._instrument(DirectRecorder, _arguments(name, 0, mtype, options))
        return _cached(instrument.record, name, options, cache)

    def _instrument(self, kind: type[Instrument], arguments: Arguments) -> Instrument:
        """Return the instrument of these arguments, cached for the next call with the same."""
        if arguments.tags or arguments.unknown:
            return kind(self._recorder, arguments)
        key = (kind, *arguments[:5])
        try:
            instrument = self._instruments.get(key)
        except TypeError:  # an unhashable argument, which the instrument rejects
            return kind(self._recorder, arguments)
        if isinstance(instrument, kind):
            return instrument
        instrument = kind(self._recorder, arguments)
        if len(self._instruments) < MAX_CACHED:
            self._instruments[key] = instrument
        return instrument


def _arguments(name: str | None, value: float, mtype: str, options: Options) -> Arguments:
    """Return the arguments of a call; those that no instrument has are unknown."""
    return Arguments(
        name,
        value,
        options.get("level", "info"),
        options.get("mtype", mtype),
        options.get("source"),
        options.get("tags"),
        {key: option for key, option in options.items() if key not in Arguments._fields},
    )


def _cached(value: T, name: str | None, options: Options, cache: dict[str | None, T]) -> T:
    """Return `value`, cached for the next call where its name alone stands for it."""
    if not options and isinstance(name, str) and len(cache) < MAX_CACHED:
        cache[name] = value
    return value
