"""Limits of a query: it ends at its deadline, or when nobody waits for its answer any more."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from time import monotonic

QUERY_DEADLINE = 30.0
"""Seconds, counted from the call; time that is spent waiting for a reader counts, too."""
STEPS = 10_000
"""How many steps of SQLite's virtual machine run between two checks: less than a millisecond."""


class Query:
    """One query; any thread may call `cancel` while another thread does the work."""

    def __init__(
        self, deadline: float | None = None, seconds: Callable[[], float] = monotonic
    ) -> None:
        self._seconds = seconds
        self._end = float("inf") if deadline is None else seconds() + deadline
        self._deadline = deadline
        self._cancelled = False

    def cancel(self) -> None:
        """Note that nobody waits for the answer any more."""
        self._cancelled = True

    def has_ended(self) -> bool:
        """Return whether the work should stop."""
        return self._cancelled or self._seconds() >= self._end

    def raise_if_ended(self) -> None:
        """Raise sqlite3.OperationalError, as SQLite itself does, if the work should stop."""
        if self._cancelled:
            raise sqlite3.OperationalError("nobody waits for the answer")
        if self.has_ended():
            raise sqlite3.OperationalError(
                f"the query took more than {self._deadline:g} s; ask for less at once"
            )

    def watch(self, connection: sqlite3.Connection) -> None:
        """Have SQLite check as well, so that the query can end in the middle of a statement."""
        connection.set_progress_handler(self.has_ended, STEPS)
