"""Converts cumulative totals of OpenTelemetry to their growth; pure.

A stream is one series of one process. When the process restarts, a new stream begins, with another
start time.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple, Protocol, TypeVar

MAX_BYTES = 64 << 20
"""The most bytes of memory for all streams: enough for about 100,000 of them."""
FORGET = 86_400 * 10**9
"""Nanoseconds without a point after which a stream is forgotten."""
_BYTES = 500


class Total(Protocol):
    """A cumulative total."""

    @property
    def size(self) -> int:
        """Approximate bytes of memory."""

    def minus(self: T, earlier: T) -> T | None:
        """Return what was added after `earlier`; None if `earlier` is no part of this: a reset.

        Raises ValueError if the two can't be subtracted, such as histograms with other buckets.
        """


T = TypeVar("T", bound=Total)


class Number(NamedTuple):
    """The cumulative total of a monotonic sum."""

    value: float

    @property
    def size(self) -> int:
        """Approximate bytes of memory, beside the stream's own."""
        return 0

    def minus(self, earlier: Number) -> Number | None:
        """Return the difference to `earlier`; None if it is negative."""
        return None if self.value < earlier.value else Number(self.value - earlier.value)


class Point(NamedTuple):
    """The stream of a total, the stream's start, and the total's time; both in Unix nanoseconds.

    `is_whole` is whether all of a first total was counted since the start.
    """

    stream: bytes
    start: int
    time: int
    is_whole: bool = True


class _Seen(NamedTuple):
    time: int
    arrived: int
    total: Total


class Streams:
    """The last total of every stream, in bounded memory.

    The total of a stream's first point counts only if it can't have been counted before: if the
    stream began after `started`, and after the start of every stream that was forgotten. Otherwise
    only growth from the first point on counts.
    """

    def __init__(self, started: int, max_bytes: int = MAX_BYTES) -> None:
        self._forgotten_until = started
        self._max_bytes = max_bytes
        self._seen: OrderedDict[tuple[bytes, int], _Seen] = OrderedDict()
        """The last point by stream and start; in the order of arrival, the latest at the end."""
        self._size = 0

    def __len__(self) -> int:
        return len(self._seen)

    def growth(self, point: Point, total: T, now: int) -> T | None:
        """Return the growth of a stream up to this point; None if it is unknown or a repeat.

        A point that isn't newer than the last one has been counted already: clients repeat requests
        that they get no answer to. Raises ValueError if the growth can't be calculated.
        """
        key = (point.stream, point.start)
        last = self._seen.get(key)
        if last is not None and point.time <= last.time:
            return None
        self._remember(key, last, _Seen(point.time, now, total))
        if last is None or type(last.total) is not type(total):
            return total if point.is_whole and point.start > self._forgotten_until else None
        grown = total.minus(last.total)
        return total if grown is None else grown

    def forget(self, now: int) -> None:
        """Forget the oldest streams: those without recent points, and those beyond the bound."""
        while self._seen:
            key, seen = next(iter(self._seen.items()))
            if self._size <= self._max_bytes and now - seen.arrived < FORGET:
                return
            del self._seen[key]
            self._size -= _BYTES + seen.total.size
            # `now` is an upper limit, in case a client's clock is fast: no stream that begins later
            # can have been counted.
            self._forgotten_until = max(self._forgotten_until, min(key[1], now))

    def _remember(self, key: tuple[bytes, int], last: _Seen | None, seen: _Seen) -> None:
        self._size += seen.total.size - (last.total.size if last else -_BYTES)
        self._seen[key] = seen
        self._seen.move_to_end(key)
