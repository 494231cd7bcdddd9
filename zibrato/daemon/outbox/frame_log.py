"""The frames that open intervals received since the last commit; pure, with bounded memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

MAX_BYTES = 64 * 1024 * 1024
"""Bytes of frames of one open interval. A crash loses what is beyond, unless a client keeps it."""
_BYTES_A_SECOND = MAX_BYTES / 10


def bound(interval: float) -> int:
    """Return how many bytes of frames are worth committing for an open interval of this length.

    To commit many frames costs as much as to aggregate them, and a short interval will soon be
    committed itself.
    """
    return int(min(MAX_BYTES, _BYTES_A_SECOND * interval))


class _Interval:
    """The frames since the last `take`, and the bytes of all frames of the interval."""

    __slots__ = ("frames", "is_complete", "size")

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.size = 0
        self.is_complete = True


class FrameLog:
    """The frames since the last `take`, by the start of the interval that they belong to.

    An interval takes `max_bytes` of frames whose commit a client waits for, and `worth` of others.
    """

    def __init__(self, worth: int = MAX_BYTES, max_bytes: int = MAX_BYTES) -> None:
        self._worth = worth
        self._max_bytes = max_bytes
        self._intervals: defaultdict[float, _Interval] = defaultdict(_Interval)

    def __bool__(self) -> bool:
        return any(interval.frames for interval in self._intervals.values())

    @property
    def is_complete(self) -> bool:
        """Whether the log has all frames of open intervals whose commit a client waits for."""
        return all(interval.is_complete for interval in self._intervals.values())

    def extend(self, start: float, frames: Sequence[bytes], *, waited_for: bool = False) -> None:
        """Add frames, unless their interval has too many bytes."""
        interval, size = self._intervals[start], sum(map(len, frames))
        if interval.size + size <= (self._max_bytes if waited_for else self._worth):
            interval.size += size
            interval.frames += frames
        elif waited_for:
            interval.is_complete = False

    def close(self, start: float) -> None:
        """Forget the frames of an interval that was closed."""
        self._intervals.pop(start, None)

    def take(self) -> Mapping[float, Sequence[bytes]]:
        """Remove and return all frames."""
        taken: dict[float, Sequence[bytes]] = {}
        for start, interval in self._intervals.items():
            if interval.frames:
                taken[start], interval.frames = interval.frames, []
        return taken

    def put_back(self, frames: Mapping[float, Sequence[bytes]]) -> None:
        """Put frames back for the next `take`, except those of closed intervals."""
        for start, some in frames.items():
            if start in self._intervals:
                self._intervals[start].frames[:0] = some
