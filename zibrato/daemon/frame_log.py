"""What open intervals took in since it was last committed: pure, bounded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

MAX_BYTES = 64 * 1024 * 1024
"""Of frames of one open interval; what is past that a crash loses, unless a client has it yet."""
_BYTES_A_SECOND = MAX_BYTES / 10


def bound(interval: float) -> int:
    """Return how many bytes of frames are worth it for an open interval of so many seconds.

    To commit them costs as much as to take them in, where they are many; a short interval is soon
    committed itself.
    """
    return int(min(MAX_BYTES, _BYTES_A_SECOND * interval))


class _Interval:
    """Frames since the last `take`, and the bytes of all that were noted."""

    __slots__ = ("frames", "is_complete", "size")

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.size = 0
        self.is_complete = True


class FrameLog:
    """Frames by the start of the interval that they belong to, since the last `take`.

    An interval has `max_bytes` of them, or `worth` where no client waits for their commit.
    """

    def __init__(self, worth: int = MAX_BYTES, max_bytes: int = MAX_BYTES) -> None:
        self._worth = worth
        self._max_bytes = max_bytes
        self._intervals: defaultdict[float, _Interval] = defaultdict(_Interval)

    def __bool__(self) -> bool:
        return any(interval.frames for interval in self._intervals.values())

    @property
    def is_complete(self) -> bool:
        """Whether it has all that open intervals took in for which a client waits."""
        return all(interval.is_complete for interval in self._intervals.values())

    def extend(self, start: float, frames: Sequence[bytes], *, waited_for: bool = False) -> None:
        """Note frames, unless their interval has too many."""
        interval, size = self._intervals[start], sum(map(len, frames))
        if interval.size + size <= (self._max_bytes if waited_for else self._worth):
            interval.size += size
            interval.frames += frames
        elif waited_for:
            interval.is_complete = False

    def close(self, start: float) -> None:
        """Forget an interval that is closed."""
        self._intervals.pop(start, None)

    def take(self) -> Mapping[float, Sequence[bytes]]:
        """Return the frames, and begin anew."""
        taken: dict[float, Sequence[bytes]] = {}
        for start, interval in self._intervals.items():
            if interval.frames:
                taken[start], interval.frames = interval.frames, []
        return taken

    def put_back(self, frames: Mapping[float, Sequence[bytes]]) -> None:
        """Have frames in the next `take` again, but for those of intervals that are closed."""
        for start, some in frames.items():
            if start in self._intervals:
                self._intervals[start].frames[:0] = some
