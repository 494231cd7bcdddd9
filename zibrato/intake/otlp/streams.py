"""Running totals to what they grew by; OpenTelemetry calls the former cumulative.

Pure. A stream is one series of one process: it begins anew, at another time, when that does.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple, Protocol, TypeVar

MAX_BYTES = 64 << 20
"""Bytes of memory for all streams, about a hundred thousand of them."""
FORGET = 86_400 * 10**9
"""Nanoseconds after which a stream is forgotten of which nothing comes."""
_BYTES = 500


class IncomparableError(Exception):
    """Two running totals of one stream, of which the one can't be taken from the other."""


class Total(Protocol):
    """A running total."""

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""

    def minus(self: T, earlier: T) -> T | None:
        """Return what came after `earlier`; None where that is no part of this: a reset.

        Raises IncomparableError.
        """


T = TypeVar("T", bound=Total)


class Number(NamedTuple):
    """The running total of a sum, which only grows."""

    value: float

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        return 0

    def minus(self, earlier: Number) -> Number | None:
        """Return by how much it is more than `earlier`; None where it is less."""
        return None if self.value < earlier.value else Number(self.value - earlier.value)


class Point(NamedTuple):
    """Of which stream a total is, when that began, and when this was; both in nanoseconds."""

    stream: bytes
    start: int
    time: int


class _Seen(NamedTuple):
    time: int
    arrived: int
    total: Total


class Streams:
    """The last total of every stream, in bounds.

    What a stream had at its first point has not been counted yet if it began after all that may
    have been counted and forgotten: after `started`, and after every stream that was forgotten.
    Else nobody knows, and it counts from there on.
    """

    def __init__(self, started: int, max_bytes: int = MAX_BYTES) -> None:
        self._forgotten_until = started
        self._max_bytes = max_bytes
        self._seen: OrderedDict[tuple[bytes, int], _Seen] = OrderedDict()
        """By stream and start, what was seen last at the end."""
        self._size = 0

    def __len__(self) -> int:
        return len(self._seen)

    def growth(self, point: Point, total: T, now: int) -> T | None:
        """Return by how much a stream grew up to this point; None where nobody knows.

        A point that isn't newer than the last has been counted: clients repeat what they get no
        answer to.
        """
        key = (point.stream, point.start)
        last = self._seen.get(key)
        if last is not None and point.time <= last.time:
            return None
        self._remember(key, last, _Seen(point.time, now, total))
        if last is None or type(last.total) is not type(total):
            return total if point.start > self._forgotten_until else None
        try:
            grown = total.minus(last.total)
        except IncomparableError:
            return None
        return total if grown is None else grown

    def forget(self, now: int) -> None:
        """Forget what is old, and what is past the bound."""
        while self._seen:
            key, seen = next(iter(self._seen.items()))
            if self._size <= self._max_bytes and now - seen.arrived < FORGET:
                return
            del self._seen[key]
            self._size -= _BYTES + seen.total.size
            # Nothing that began after now can have been counted, whatever a client's clock says.
            self._forgotten_until = max(self._forgotten_until, min(key[1], now))

    def _remember(self, key: tuple[bytes, int], last: _Seen | None, seen: _Seen) -> None:
        self._size += seen.total.size - (last.total.size if last else -_BYTES)
        self._seen[key] = seen
        self._seen.move_to_end(key)
