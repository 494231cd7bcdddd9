"""Counts distinct values: exactly while they are few, by an estimate if they are many."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nsmallest

MAX_EXACT = 4096
"""The most distinct values that are counted exactly; beyond, the standard error is 1.6 %."""
_ALL = 2**64


class Distinct:
    """Counts distinct values; keeps at most twice `MAX_EXACT` hashes.

    Hashes are spread evenly, so the number of hashes below a limit tells how many there are
    altogether. Only hashes below the limit are kept, and the limit sinks. Python seeds its hashes
    anew in each process, so nobody can choose values that distort the estimate.
    """

    __slots__ = ("_hashes", "_limit")

    def __init__(self) -> None:
        self._hashes: set[int] = set()
        self._limit = _ALL

    def add(self, values: Iterable[bytes]) -> None:
        """Add values."""
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
        # The smallest hash that isn't kept is the limit: exactly the kept ones are below it.
        self._limit = kept.pop()
        self._hashes = set(kept)
        return self._limit
