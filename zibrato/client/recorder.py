"""What an instrument was asked for, checked, and turned into the buffers that it records in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from zibrato.client.buffers import Buffers
from zibrato.client.decorators import full_name
from zibrato.client.environment import is_disabled
from zibrato.levels import EVERYTHING, LEVELS, LevelFilter, level_name
from zibrato.model import COUNTER, KINDS, MAX_NAME_LENGTH, Series


class Arguments(NamedTuple):
    """What an instrument was asked for, unchecked: it may be of other types than these."""

    name: str | None
    value: float
    level: str | int
    mtype: str
    source: str | None
    tags: Mapping[str, str] | None
    unknown: Mapping[str, object]

    def for_function(self, function: object) -> Arguments:
        """Return these arguments, the name made of the function's where there is none."""
        if self.name is None and callable(getattr(function, "__func__", function)):
            return self._replace(name=full_name(function)[-MAX_NAME_LENGTH:])
        return self

    def check(self) -> None:
        """Raise TypeError or ValueError for what can't be meant."""
        if self.unknown:
            raise TypeError(
                f"unknown argument {', '.join(sorted(self.unknown))}; expected some of "
                "level, mtype, name, value, source, tags"
            )
        if not isinstance(self.name, str) or not 0 < len(self.name) <= MAX_NAME_LENGTH:
            raise ValueError(f"name: expected 1 to {MAX_NAME_LENGTH} characters, got {self.name!r}")
        if self.mtype not in KINDS:
            raise ValueError(f"mtype: expected one of {', '.join(KINDS)}, got {self.mtype!r}")
        if not isinstance(self.value, int | float):
            raise TypeError(f"value: expected a number, got {self.value!r}")
        if not math.isfinite(self.value):
            raise ValueError(f"value: expected a finite number, got {self.value!r}")


class Recorder:
    """Finds the buffers that arguments mean, for one client: its level, source and tags.

    `disabled` is `$ZIBRATO_DISABLED` where it isn't given.
    """

    def __init__(
        self,
        buffers: Buffers,
        *,
        level: str | int | None = None,
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
        disabled: bool | None = None,
    ) -> None:
        self.buffers = buffers
        self._levels = EVERYTHING if level is None else threshold(level)
        self._source = source
        self._tags = dict(tags or {})
        self._disabled = is_disabled() if disabled is None else disabled

    def _is_off(self, arguments: Arguments) -> bool:
        """Return whether such measurements are to cost nothing."""
        return self._disabled or not self._levels.passes(level_name(arguments.level))

    def event(self, arguments: Arguments) -> Callable[[], object]:
        """Return what records `value` once; raises TypeError or ValueError."""
        series = self._series(arguments)
        if series is None:
            return noop
        if series.kind == COUNTER:
            return self.buffers.counter_buffer(series, arguments.value).increment
        append, value = self.buffers.sample_buffer(series).append, arguments.value
        return lambda: append(value)

    def append(self, arguments: Arguments) -> Callable[[object], object]:
        """Return what records the value that it is called with; raises TypeError or ValueError."""
        series = self._series(arguments)
        return noop if series is None else self.buffers.sample_buffer(series).append

    def reject(self, *_: object) -> None:
        """Count a measurement that can't be recorded."""
        self.buffers.dropped["argument"] += 1

    def _series(self, arguments: Arguments) -> Series | None:
        arguments.check()
        if self._is_off(arguments):
            return None
        own = {str(name): str(value) for name, value in (arguments.tags or {}).items()}
        tags = {**self._tags, **own}
        return Series(
            arguments.mtype,
            str(arguments.name),
            arguments.source or self._source or "",
            tuple(sorted(tags.items())),
            level_name(arguments.level),
        )


def noop(*_: object) -> None:
    """Take the place of a recording that is off."""


def threshold(level: str | int) -> LevelFilter:
    """Return the filter that passes the standard `level` and those above it."""
    name = level_name(level)
    if name not in LEVELS:
        raise ValueError(f"level: expected one of {', '.join(LEVELS)} as threshold, got {level!r}")
    return LevelFilter.parse(f"{name}+")
