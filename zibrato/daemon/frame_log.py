"""What open intervals took in since it was last committed: pure, bounded."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

MAX_BYTES = 64 * 1024 * 1024
"""Of frames of one open interval; past that it has no log, and a crash loses what is not in it."""


class FrameLog:
    """Frames by the start of the interval that they belong to, since the last `take`."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._frames: defaultdict[float, list[bytes]] = defaultdict(list)
        self._sizes: Counter[float] = Counter()

    def __bool__(self) -> bool:
        return bool(self._frames)

    @property
    def is_complete(self) -> bool:
        """Whether it has all that open intervals took in."""
        return all(size <= self._max_bytes for size in self._sizes.values())

    def append(self, start: float, frame: bytes) -> None:
        """Note a frame, unless its interval has too many."""
        self._sizes[start] += len(frame)
        if self._sizes[start] <= self._max_bytes:
            self._frames[start].append(frame)

    def close(self, start: float) -> None:
        """Forget an interval that is closed."""
        self._frames.pop(start, None)
        self._sizes.pop(start, None)

    def take(self) -> Mapping[float, Sequence[bytes]]:
        """Return the frames, and begin anew."""
        taken, self._frames = self._frames, defaultdict(list)
        return taken

    def put_back(self, frames: Mapping[float, Sequence[bytes]]) -> None:
        """Have frames in the next `take` again, but for those of intervals that are closed."""
        for start, some in frames.items():
            if start in self._sizes:
                self._frames[start][:0] = some
