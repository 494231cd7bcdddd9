"""Find the object for a call of an instrument, cached by the call's arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, cast

from zibrato.client.arguments import MISSING, ONE, Arguments, Names, are_plain, raise_if_plain
from zibrato.client.bound import (
    CountExceptions,
    CountMe,
    DirectCounter,
    DirectRecorder,
    InProgress,
    Record,
    TimeMe,
)
from zibrato.client.recorder import Recorder
from zibrato.model import COUNTER, GAUGE, TIMER

T = TypeVar("T")
MAX_CACHED = 10_000
Instrument = TypeVar(
    "Instrument", bound=CountMe | CountExceptions | TimeMe | InProgress | DirectRecorder
)
Caller = TypeVar("Caller", CountMe, CountExceptions, TimeMe, InProgress)


class Lookup:
    """The instruments of one client, made when they are first requested."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._instruments: dict[tuple[object, ...], object] = {}
        # These have their own bound: tags that are made at run time may have any number of values.
        self._tagged: dict[tuple[object, ...], object] = {}
        # Instruments with a name and no options, by name: finding one is most of a call's cost.
        self._counters: dict[str | None, CountMe] = {}
        self._exceptions: dict[str | None, CountExceptions] = {}
        self._timers: dict[str | None, TimeMe] = {}
        self._in_progress: dict[str | None, InProgress] = {}
        self._counts: dict[str | None, Record] = {}
        self._timings: dict[str | None, Record] = {}
        self._gauges: dict[str | None, Record] = {}

    def _for_calls(
        self,
        kind: type[Caller],
        cache: dict[str | None, Caller],
        names: Names,
        surplus: Sequence[object],
        options: Mapping[str, object],
    ) -> object:
        """Return the instrument, or an instrumented function if used without parentheses."""
        if _is_function(names[0]):
            function = cast("Callable[..., object]", names[0])
            return self._new(kind, (None, names[1]), surplus, options)(function)
        instrument = self._cached(kind, names, surplus, options)
        if not options and not surplus:
            _cache(cache, names, instrument)
        return instrument

    def _record(
        self,
        kind: type[DirectRecorder],
        names: Names,
        values: tuple[object, object],
        surplus: Sequence[object],
        options: Mapping[str, object],
    ) -> None:
        absent = ONE if kind is DirectCounter else MISSING
        value = values[1] if values[0] is absent else values[0]
        is_double = values[0] is not absent and values[1] is not absent
        if value is MISSING or is_double:
            self._recorder.reject()
            return
        record = self._cached(kind, names, surplus, options).record
        if not options and not surplus:
            cache = {COUNTER: self._counts, TIMER: self._timings, GAUGE: self._gauges}[kind.mtype]
            _cache(cache, names, record)
        record(value)

    def _cached(
        self,
        kind: type[Instrument],
        names: Names,
        surplus: Sequence[object],
        options: Mapping[str, object],
    ) -> Instrument:
        """Return the instrument for these arguments, cached for the next call with the same."""
        cache, given, tags = self._instruments, options, options.get("tags")
        try:
            if type(tags) is dict:
                pairs = tuple(tags.items())
                cache, given = self._tagged, {**options, "tags": (dict, pairs)}
            key = (kind, *names, *surplus, *given.items())
            instrument = cache.get(key)
        except TypeError:  # unhashable
            return self._new(kind, names, surplus, options)
        except Exception:
            raise_if_plain(*names, *surplus, *options.values())
            return self._new(kind, names, surplus, options)
        if isinstance(instrument, kind):
            return instrument
        if given is not options:  # copied, because the caller may change the mapping
            options = {**options, "tags": dict(pairs)}
        instrument = self._new(kind, names, surplus, options)
        # Keys are compared with those of later calls, and that must not run foreign code.
        is_plain = are_plain(*names, *surplus, *options.values()) and _is_text(options.get("tags"))
        if is_plain and len(cache) < MAX_CACHED:
            cache[key] = instrument
        return instrument

    def _new(
        self,
        kind: type[Instrument],
        names: Names,
        surplus: Sequence[object],
        options: Mapping[str, object],
    ) -> Instrument:
        arguments = Arguments.of_call(names, kind.mtype, surplus, options, kind.keywords)
        return kind(self._recorder, arguments)


def _is_function(given: object) -> bool:
    """Return whether a decorator without parentheses got a function to instrument, not a name."""
    # Check the type, because an object's `__class__` may lie or raise.
    is_method = issubclass(type(given), classmethod | staticmethod | property)
    return is_method or (callable(given) and not issubclass(type(given), str))


def _is_text(tags: object) -> bool:
    """Return whether tags have only text: a key with 1 would also be found for True."""
    return type(tags) is not dict or all(
        type(text) is str for pair in tags.items() for text in pair
    )


def _cache(cache: dict[str | None, T], names: Names, value: T) -> None:
    """Cache the instrument for calls with only a name."""
    given = [name for name in names if name is not None]
    if len(given) == 1 and type(given[0]) is str and len(cache) < MAX_CACHED:
        cache[given[0]] = value
