"""How many distinct values there were: exact while few, estimated when many."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nsmallest

MAX_EXACT = 4096
"""How many distinct values are counted exactly; beyond, the standard error is 1.6 %."""
_ALL = 2**64


class Distinct:
    """Counts the distinct ones of values; at most twice `MAX_EXACT` hashes are kept.

    Hashes are spread evenly, so that the share of them below some limit tells how many there are:
    only those are kept, and the limit sinks. Python's are keyed anew in each process, so that
    nobody can choose values to cheat it.
    """

    __slots__ = ("_hashes", "_limit")

    def __init__(self) -> None:
        self._hashes: set[int] = set()
        self._limit = _ALL

    def add(self, values: Iterable[bytes]) -> None:
        """Take values in."""
        limit = self._limit
        hashes = (hash(value) % _ALL for value in values)
        for value in hashes:
            if value < limit:
                self._hashes.add(value)
                if len(self._hashes) >= 2 * MAX_EXACT:
                    limit = self._sink()

    def estimate(self) -> int:
        """Return how many distinct values there were."""
        if self._limit == _ALL and len(self._hashes) > MAX_EXACT:
            self._sink()
        return round(len(self._hashes) * _ALL / self._limit)

    def _sink(self) -> int:
        """Keep the smaller half of the hashes; return the new limit."""
        kept = nsmallest(MAX_EXACT + 1, self._hashes)
        # The next hash is the limit: below it are those that are kept, and no others.
        self._limit = kept.pop()
        self._hashes = set(kept)
        return self._limit
