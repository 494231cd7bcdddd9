"""A lock that the smallest of those who wait gets next."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from itertools import count

from twisted.internet.defer import Deferred


class SmallestFirst:
    """Lets one user in at a time; of those who wait, the smallest, and of these the first.

    So who brings little hardly waits for those who bring much, however many these are.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Deferred[None]]] = []
        self._numbers = count()
        self._is_taken = False
        self._is_handing_on = False

    @asynccontextmanager
    async def turn(self, size: float) -> AsyncIterator[None]:
        """Hold the lock during an `async with` block."""
        if self._is_taken:
            mine: Deferred[None] = Deferred()
            heappush(self._waiting, (size, next(self._numbers), mine))
            await mine
        self._is_taken = True
        try:
            yield
        finally:
            self._release()

    def _release(self) -> None:
        """Hand the lock on, without recursion: those who get it may release it at once."""
        self._is_taken = False
        if self._is_handing_on:
            return
        self._is_handing_on = True
        while self._waiting and not self._is_taken:
            self._is_taken = True
            heappop(self._waiting)[2].callback(None)
        self._is_handing_on = False
