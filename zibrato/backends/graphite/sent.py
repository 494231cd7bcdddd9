"""What was sent to Graphite for the latest intervals, so that late measurements are added to it."""

from __future__ import annotations

from collections.abc import Generator, Hashable, Mapping
from typing import Generic, TypeVar

from zibrato.model import Summary

__all__ = ["MAX_BYTES", "Sent"]

MAX_BYTES = 32 * 1024 * 1024
"""Of memory, approximately; what was sent first is forgotten first."""
_ENTRY_BYTES = 200
"""Of a metric, in addition to its summary."""
_STRIDE = 50
"""Summaries between two turns of the reactor."""


K = TypeVar("K", bound=Hashable)


class Sent(Generic[K]):
    """The summaries of what has arrived, by key, in at most `most` bytes of memory."""

    def __init__(self, most: int = MAX_BYTES) -> None:
        self._most = most
        self._size = 0
        self._summaries: dict[K, tuple[Summary, int]] = {}

    def with_before(self, key: K, summary: Summary) -> Summary:
        """Return the summary merged with what arrived before under the key."""
        before = self._summaries.get(key)
        return summary if before is None else before[0].merged(summary)

    def adding(self, summaries: Mapping[K, Summary]) -> Generator[None, None, None]:
        """Note that these summaries have arrived; yields every few milliseconds of work."""
        for position, (key, summary) in enumerate(summaries.items(), 1):
            total = self.with_before(key, summary)
            size = total.size + _ENTRY_BYTES
            self._size += size - self._summaries.pop(key, (total, 0))[1]
            self._summaries[key] = total, size
            while self._size > self._most:
                self._size -= self._summaries.pop(next(iter(self._summaries)))[1]
            if position % _STRIDE == 0:
                yield
