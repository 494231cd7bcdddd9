"""Notes whether the journal can commit, and logs when that changes."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.logger import Logger

STALLED = 10
"""Ticks after which a turn isn't waited for any more: the disk doesn't answer."""


class JournalWatch:
    """Knows why nothing is committed: the last turn failed, or the one under way has stalled."""

    _log = Logger()

    def __init__(self) -> None:
        self.problem: str | None = None
        """Why the last turn couldn't write the file, or this one stalls; None if all is well."""
        self.busy = False
        """Whether turns are under way."""
        self._ticks = 0
        self._waiting: list[Deferred[None]] = []

    def begin(self) -> None:
        """Note that a turn begins."""
        self.busy = True
        self._ticks = 0

    def end(self) -> None:
        """Note that no turn follows the last one."""
        self.busy = False
        self._call_back()

    def tick(self) -> None:
        """Note that a second has passed."""
        self._ticks += 1
        if self.is_stalled:
            self.failed("the disk doesn't answer")
            self._call_back()

    @property
    def is_stalled(self) -> bool:
        """Whether the turn under way takes too long."""
        return self.busy and self._ticks >= STALLED

    def wait(self) -> Deferred[None]:
        """Return a Deferred that fires when no turn is under way, or one stalls."""
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        if self.is_stalled:
            self._call_back()
        return waiting

    def failed(self, problem: str) -> None:
        """Note why nothing is committed."""
        is_new, self.problem = self.problem is None, problem
        if is_new:
            self._log.error(
                "the outbox's file can't be written: {problem}; new intervals are in memory only",
                problem=problem,
            )

    def succeeded(self) -> None:
        """Note that a turn was committed."""
        if self.problem is not None:
            self.problem = None
            self._log.info("the outbox's file can be written again")

    def _call_back(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)
