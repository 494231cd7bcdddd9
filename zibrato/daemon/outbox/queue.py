"""The bounded queue of snapshots in an outbox; pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain
from math import inf

from zibrato.daemon.outbox.kept_snapshot import Waiting

MAX_TOGETHER = 3000
"""The most series of several snapshots in one delivery, which needs fewer requests together."""


class OutboxQueue:
    """Snapshots, oldest first, up to about `max_bytes` of memory and `max_file_bytes` of the file.

    Snapshots are committed in order, so those that are only in memory are behind all others. After
    a commit, `confirm` must be called. No method iterates over the snapshots in the file, which may
    be the intervals of a week, unless some of them expire.
    """

    def __init__(self, max_bytes: int, max_file_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.max_file_bytes = max_file_bytes
        self._in_file: deque[Waiting] = deque()
        self._in_memory: deque[Waiting] = deque()
        self._oldest_end = inf
        self.measurements = 0
        """The number of measurements that wait."""
        self.memory = 0
        """Approximate bytes of the snapshots that are only in memory."""
        self.file = 0
        """Bytes of the snapshots that are in the file."""

    def __len__(self) -> int:
        return len(self._in_file) + len(self._in_memory)

    def __iter__(self) -> Iterator[Waiting]:
        return chain(self._in_file, self._in_memory)

    @property
    def in_memory(self) -> Sequence[Waiting]:
        """The snapshots that are only in memory."""
        return tuple(self._in_memory)

    def append(self, waiting: Waiting) -> None:
        """Add a snapshot at the end."""
        (self._in_file if waiting.is_in_file else self._in_memory).append(waiting)
        self._add(waiting)

    def restore(self, waiting: Sequence[Waiting]) -> None:
        """Add snapshots of the file at the front."""
        self._in_file.extendleft(reversed(waiting))
        for one in waiting:
            self._add(one)

    def confirm(self) -> None:
        """Find out which snapshots in memory are in the file by now, and correct the sizes."""
        while self._in_memory and self._in_memory[0].is_in_file:
            self._in_file.append(self._in_memory.popleft())
            self.file += self._in_file[-1].kept.size
        self.memory = sum(one.kept.size for one in self._in_memory)

    def take(self) -> list[Waiting]:
        """Remove and return the oldest snapshot, and the next ones up to `MAX_TOGETHER` series."""
        taken = [self._pop(self._in_file or self._in_memory)]
        series = taken[0].series
        while waiting := self._in_file or self._in_memory:
            series += waiting[0].series
            if series > MAX_TOGETHER:
                break
            taken.append(self._pop(waiting))
        return taken

    def clear_file(self) -> list[Waiting]:
        """Remove and return all snapshots in the file."""
        return [self._pop(self._in_file) for _ in range(len(self._in_file))]

    def clear_memory(self) -> list[Waiting]:
        """Remove and return all snapshots that are only in memory."""
        return [self._pop(self._in_memory) for _ in range(len(self._in_memory))]

    def evict(self, besides: int) -> list[Waiting]:
        """Remove and return the oldest beyond the bounds; `besides` bytes of memory also count."""
        removed = []
        while self._in_file and self.file > self.max_file_bytes:
            removed.append(self._pop(self._in_file))
        while self._in_memory and self.memory + besides > self.max_bytes:
            removed.append(self._pop(self._in_memory))
        return removed

    def expire(self, before: float) -> list[Waiting]:
        """Remove and return all snapshots whose interval ended before a Unix time."""
        if self._oldest_end >= before:
            return []
        # Any may be old, not only the first: late measurements belong to an earlier interval.
        old = [one for one in self if one.kept.end < before]
        for waiting in (self._in_file, self._in_memory):
            kept = [one for one in waiting if one.kept.end >= before]
            waiting.clear()
            waiting.extend(kept)
        for one in old:
            self._count(one, -1)
        self._oldest_end = min((one.kept.end for one in self), default=inf)
        return old

    def _pop(self, waiting: deque[Waiting]) -> Waiting:
        one = waiting.popleft()
        self._count(one, -1)
        return one

    def _add(self, one: Waiting) -> None:
        self._oldest_end = min(self._oldest_end, one.kept.end)
        self._count(one, 1)

    def _count(self, one: Waiting, sign: int) -> None:
        self.measurements += sign * one.measurements
        if one.is_in_file:
            self.file += sign * one.kept.size
        else:
            self.memory += sign * one.kept.size
