"""What waits in front of one backend, within bounds: pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from zibrato.daemon.kept_snapshot import Waiting

MAX_TOGETHER = 3000
"""Series of several snapshots that are delivered together, in as few requests as they need."""


class OutboxQueue:
    """Snapshots, oldest first: `max_bytes` of memory, about, and `max_file_bytes` in the file."""

    def __init__(self, max_bytes: int, max_file_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._max_file_bytes = max_file_bytes
        self._waiting: deque[Waiting] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Waiting]:
        return iter(self._waiting)

    @property
    def measurements(self) -> int:
        """How many measurements wait."""
        return sum(one.measurements for one in self._waiting)

    @property
    def memory(self) -> int:
        """About how many bytes of memory those take that are in no file."""
        return sum(one.kept.size for one in self._waiting if not one.is_in_file)

    @property
    def file(self) -> int:
        """How many bytes the others take in the file."""
        return sum(one.kept.size for one in self._waiting if one.is_in_file)

    def append(self, waiting: Waiting) -> None:
        """Have one wait behind all others."""
        self._waiting.append(waiting)

    def restore(self, waiting: Sequence[Waiting]) -> None:
        """Have some wait before all others."""
        self._waiting.extendleft(reversed(waiting))

    def take(self) -> list[Waiting]:
        """Remove and return the oldest, and as many after it as are small."""
        taken = [self._waiting.popleft()]
        series = taken[0].series
        while self._waiting:
            series += self._waiting[0].series
            if series > MAX_TOGETHER:
                break
            taken.append(self._waiting.popleft())
        return taken

    def remove(self, unwanted: Callable[[Waiting], bool]) -> list[Waiting]:
        """Remove and return those that are `unwanted`."""
        removed = [one for one in self._waiting if unwanted(one)]
        if removed:
            self._waiting = deque(one for one in self._waiting if not unwanted(one))
        return removed

    def evict(self, besides: int) -> list[Waiting]:
        """Remove and return the oldest that are too many; `besides` is more of the memory."""
        excess = {
            False: self.memory + besides - self._max_bytes,
            True: self.file - self._max_file_bytes,
        }

        def is_unwanted(one: Waiting) -> bool:
            over = excess[one.is_in_file] > 0
            excess[one.is_in_file] -= one.kept.size if over else 0
            return over

        unwanted = {id(one) for one in self._waiting if is_unwanted(one)}
        return self.remove(lambda one: id(one) in unwanted)

    def expire(self, before: float) -> list[Waiting]:
        """Remove and return those whose interval ended before a Unix time."""
        return self.remove(lambda one: one.kept.end < before)
