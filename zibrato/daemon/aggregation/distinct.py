"""Counts distinct values: exactly while they are few, by an estimate if they are many."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

MAX_EXACT = 4096
"""The most distinct values that are counted exactly; beyond, the standard error is 1.6 %."""
_LEAST = 64
"""The number of hashes below which nothing is saved by removing repeated ones."""
_ALL = 2**64


class Distinct:
    """Counts distinct values; keeps at most twice `MAX_EXACT` hashes, of 8 bytes.

    Hashes are spread evenly, so the number of hashes below a limit tells how many there are
    altogether. Only hashes below the limit are kept, and the limit sinks. Python seeds its hashes
    anew in each process, so nobody can choose values that distort the estimate.
    """

    __slots__ = ("_due", "_hashes", "_limit")

    def __init__(self) -> None:
        self._hashes = array("Q")  # a Python set would take ten times as much
        self._limit = _ALL
        self._due = _LEAST

    def add(self, values: Iterable[bytes]) -> None:
        """Add values."""
        limit = self._limit
        hashes = (hash(value) % _ALL for value in values)
        self._hashes.extend({value for value in hashes if value < limit})
        if len(self._hashes) >= self._due:
            self._compact()

    def estimate(self) -> int:
        """Return how many distinct values there were."""
        self._compact()
        return round(len(self._hashes) * _ALL / self._limit)

    def _compact(self) -> None:
        """Remove repeated hashes and, if there are too many, the larger ones."""
        self._hashes = array("Q", set(self._hashes))
        if len(self._hashes) > MAX_EXACT:
            # The smallest hash that isn't kept is the limit: exactly the kept ones are below it.
            *kept, self._limit = sorted(self._hashes)[: MAX_EXACT + 1]
            self._hashes = array("Q", kept)
        self._due = max(_LEAST, 2 * len(self._hashes))
