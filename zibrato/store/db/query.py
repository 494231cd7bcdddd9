"""How long a query may take: until its deadline, and while somebody waits for the answer."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from time import monotonic

QUERY_DEADLINE = 30.0
"""Seconds from when it is asked for, also those in which it waits for a reader."""
STEPS = 10_000
"""Of SQLite's machine, between two looks at whether to go on: below a millisecond."""


class Query:
    """One query; `cancel` may come from any thread while another does the work."""

    def __init__(
        self, deadline: float | None = None, seconds: Callable[[], float] = monotonic
    ) -> None:
        self._seconds = seconds
        self._end = float("inf") if deadline is None else seconds() + deadline
        self._deadline = deadline
        self._cancelled = False

    def cancel(self) -> None:
        """Have nobody wait for the answer any more."""
        self._cancelled = True

    def has_ended(self) -> bool:
        """Whether to stop."""
        return self._cancelled or self._seconds() >= self._end

    def raise_if_ended(self) -> None:
        """Raise sqlite3.OperationalError, as SQLite does, where it is to stop."""
        if self._cancelled:
            raise sqlite3.OperationalError("nobody waits for the answer")
        if self.has_ended():
            raise sqlite3.OperationalError(
                f"the query took more than {self._deadline:g} s; ask for less at once"
            )

    def watch(self, connection: sqlite3.Connection) -> None:
        """Have SQLite stop too, in the middle of a statement."""
        connection.set_progress_handler(self.has_ended, STEPS)
