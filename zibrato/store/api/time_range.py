"""The time range that a request selects with its parameters; pure."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import NamedTuple, TypeVar

from zibrato.store.api.requests import MAX_TIME, integer, seconds
from zibrato.store.api.responses import bad_parameter, bad_request

TIME_PARAMETERS = {"start_time", "end_time", "duration", "count", "resolution"}
MAX_SLOTS = 480_000
"""The most slots of a time range, counting those without measurements."""
HOUR = 3600.0
DAY = 86400.0
T = TypeVar("T")


class TimeRange(NamedTuple):
    """From `start` to before `end` in Unix seconds, in steps of `step`.

    If `count` is given, only so many entries of a stream are wanted: the `oldest`, or the newest.
    """

    start: float
    end: float
    step: int
    count: int | None = None  # type: ignore[assignment]  # a tuple has a method of that name
    oldest: bool = False

    def limited(self, entries: list[T]) -> list[T]:
        """Return the wanted entries of a stream, whose entries are in order."""
        if self.count is None:
            return entries
        return entries[: self.count] if self.oldest else entries[-self.count :]


def time_range_of(params: Mapping[str, str], now: float, default: float = HOUR) -> TimeRange:
    """Return the time range of the parameters; without parameters, the last `default` seconds.

    `end_time` is included. `count` counts from `start_time` if that is given, or else selects the
    last entries. Raises ApiError.
    """
    start, end, duration, step = (
        seconds(params, param) for param in ("start_time", "end_time", "duration", "resolution")
    )
    count = integer(params, "count")
    if None not in {start, end, duration}:
        raise bad_request("start_time, end_time and duration exclude one another")
    for param, value in (("duration", duration), ("count", count), ("resolution", step)):
        if value is not None and value < 1:
            raise bad_parameter(param, "is not above 0")
    last = end if end is not None else now
    if start is not None and end is None and duration is not None:
        last = min(start + duration, MAX_TIME)
    oldest = count is not None and start is not None
    if start is None:
        start = _start(last, duration, count, step, default)
    if start > last:
        raise bad_parameter("start_time", "is after end_time")
    resolution = int(step) if step else max(1, ceil((last - start) / 600))
    if (last - start) / resolution > MAX_SLOTS:
        raise bad_request(
            "The requested data resolution is unavailable for the given time range. "
            "Please try a different resolution."
        )
    return TimeRange(start, last + 1, resolution, count, oldest)


def _start(
    end: float, duration: float | None, count: float | None, step: float | None, default: float
) -> float:
    if duration is not None:
        return max(0.0, end - duration)
    if count is not None:
        return max(0.0, end - max(2 * count * (step or 1), 2 * DAY))
    return max(0.0, end - default)
