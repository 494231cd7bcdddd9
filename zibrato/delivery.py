"""Private: deliveries, by which a backend gets snapshots and reports what became of them.

:py:mod:`zibrato.interfaces` exports the names publicly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zibrato.model import Identity, Snapshot

__all__ = ["Delivery", "RetryLater"]


class RetryLater(Exception):
    """A backend can't deliver now: try again, no sooner than after `after` seconds.

    `reason` is one line for the log; it must not contain a secret.
    """

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class Delivery:
    """Snapshots on their way to one backend, and the account of what became of them.

    There is at least one snapshot, and usually only one. Snapshots are in the order in which their
    intervals were closed, and two may be of the same interval. `identities` has the identity of
    each, by which a backend can recognise repeats: after a crash, a daemon delivers again what it
    doesn't know to have arrived. It is None for a snapshot that is only in memory. `pending` is
    the number of measurements that are not accounted for yet.
    """

    __slots__ = (
        "_note", "faults", "identities", "pending", "requests", "requests_size", "snapshots"
    )  # fmt: skip

    def __init__(
        self,
        snapshots: Sequence[Snapshot],
        note: Callable[[int, str | None], None],
        identities: Sequence[Identity | None] = (),
        pending: int | None = None,
    ) -> None:
        self.snapshots = snapshots
        self.identities = identities or [None for _ in snapshots]
        if pending is None:
            pending = sum(snapshot.measurements for snapshot in snapshots)
        self.pending = pending
        self.faults = 0
        self.requests: object = None
        """For the backend's own use: what is left to send. None before its first attempt."""
        self.requests_size = 0
        """Approximate bytes of memory that `requests` takes, if the backend sets it."""
        self._note = note

    def delivered(self, measurements: int) -> None:
        """Report that so many measurements have arrived."""
        self.pending -= measurements
        self._note(measurements, None)

    def dropped(self, measurements: int, reason: str) -> None:
        """Report that so many measurements were dropped, for a `reason` of one word."""
        self.pending -= measurements
        self._note(measurements, reason)
