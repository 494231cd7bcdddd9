"""Check an instrument's arguments, and find the buffers that it records in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zibrato.client import arguments as reading
from zibrato.client.arguments import MISSING, Arguments, Request, shown
from zibrato.client.buffers import Buffers
from zibrato.client.environment import is_disabled
from zibrato.client.outcomes import OUTCOMES, TAG, Outcomes
from zibrato.client.sampled import InProgressBuffer
from zibrato.levels import EVERYTHING, LEVELS, LevelFilter, level_name
from zibrato.model import COUNTER, Series


class Recorder:
    """Finds the buffers for arguments, for one client with its level, source and tags.

    The default of `disabled` is `$ZIBRATO_DISABLED`.
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
        self._source = reading.source(source or "")
        self._tags = dict(reading.tags(tags))
        self._disabled = is_disabled() if disabled is None else disabled

    def event(self, arguments: Arguments) -> Callable[[], object]:
        """Return a function that records `value` once; raises TypeError or ValueError."""
        request = arguments.checked()
        value = request.value
        if value is MISSING:
            if request.kind != COUNTER:
                raise TypeError(f"value: missing; a {request.kind} needs one")
            value = 1
        series = self._series(request)
        if series is None:
            return noop
        if series.kind == COUNTER:
            return self.buffers.counter_buffer(series, value).increment
        append = self.buffers.sample_buffer(series).append
        return lambda: append(value)

    def append(self, arguments: Arguments) -> Callable[[object], object]:
        """Return a function that records its argument; raises TypeError or ValueError."""
        return self._append(arguments.checked())

    def outcomes(self, arguments: Arguments) -> Outcomes | None:
        """Return an object that records seconds by outcome, or None if the level is off.

        Raises TypeError or ValueError.
        """
        request = arguments.checked()
        if self._series(request) is None:
            return None
        tagged = [sorted({**dict(request.tags), TAG: outcome}.items()) for outcome in OUTCOMES]
        return Outcomes(*[self._append(request._replace(tags=tuple(tags))) for tags in tagged])

    def in_progress(self, arguments: Arguments) -> InProgressBuffer | None:
        """Return the buffer of calls in progress; None if off; raises TypeError or ValueError."""
        series = self._series(arguments.checked())
        return None if series is None else self.buffers.in_progress_buffer(series)

    def _append(self, request: Request) -> Callable[[object], object]:
        series = self._series(request)
        return noop if series is None else self.buffers.sample_buffer(series).append

    def reject(self, *_: object) -> None:
        """Count a measurement that can't be recorded."""
        self.buffers.dropped["argument"] += 1

    def _series(self, request: Request) -> Series | None:
        """Return the series to record in, or None if such measurements must cost nothing."""
        if self._disabled or not self._levels.passes(request.level):
            return None
        tags = request.tags
        if self._tags:
            tags = tuple(sorted({**self._tags, **dict(tags)}.items()))
        return Series(
            request.kind, request.name, request.source or self._source, tags, request.level
        )


def check_defaults(
    *, level: str | int | None, source: str | None, tags: Mapping[str, str] | None
) -> None:
    """Raise TypeError or ValueError if a client can't have these defaults for measurements."""
    if level is not None:
        threshold(level)
    reading.source(source or "")
    reading.tags(tags)


def noop(*_: object) -> None:
    """Do nothing, in place of a recording that is off."""


def threshold(level: str | int) -> LevelFilter:
    """Return a filter that passes the standard `level` and higher ones."""
    name = level_name(level)
    if name not in LEVELS:
        raise ValueError(
            f"level: expected one of {', '.join(LEVELS)} as threshold, got {shown(level)}"
        )
    return LevelFilter.parse(f"{name}+")
