"""What an instrument was asked for, checked, and turned into the buffers that it records in."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from zibrato.client.buffers import Buffers
from zibrato.client.decorators import full_name
from zibrato.levels import EVERYTHING, LEVELS, LevelFilter, level_name
from zibrato.model import COUNTER, KINDS, MAX_NAME_LENGTH, Series


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

    def is_off(self, arguments: Arguments) -> bool:
        """Return whether such measurements are to cost nothing."""
        return self._disabled or not self._levels.passes(level_name(arguments.level))

    def event(self, arguments: Arguments) -> Callable[[], object]:
        """Return what records `value` once; raises TypeError or ValueError."""
        series = self._series(arguments)
        if series is None:
            return nothing
        if series.kind == COUNTER:
            return self.buffers.ticks(series, arguments.value).tick
        append, value = self.buffers.values(series).append, arguments.value
        return lambda: append(value)

    def append(self, arguments: Arguments) -> Callable[[Any], object]:
        """Return what records the value that it is called with; raises TypeError or ValueError."""
        series = self._series(arguments)
        return nothing if series is None else self.buffers.values(series).append

    def refuse(self, *_: Any) -> None:
        """Count a measurement that can't be recorded."""
        self.buffers.dropped["argument"] += 1

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


def is_disabled() -> bool:
    """Return whether the environment turns every instrument into nothing."""
    return os.environ.get("ZIBRATO_DISABLED", "") not in ("", "0")


def nothing(*_: Any) -> None:
    """Take the place of a recording that is off."""


def threshold(level: str | int) -> LevelFilter:
    """Return the filter that passes the standard `level` and those above it."""
    name = level_name(level)
    if name not in LEVELS:
        raise ValueError(f"level: expected one of {', '.join(LEVELS)} as threshold, got {level!r}")
    return LevelFilter.parse(f"{name}+")
