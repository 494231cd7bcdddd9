"""Private: what a backend is handed, and how it says what became of that.

Public as :py:mod:`zibrato.interfaces` has them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zibrato.model import Identity, Snapshot

__all__ = ["Delivery", "RetryLater"]


class RetryLater(Exception):
    """A backend can't deliver now: try again, no sooner than `after` seconds where that is known.

    `reason` is one line for the log; it holds no secret.
    """

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class Delivery:
    """Snapshots on their way to one backend, and the account of what became of them.

    There is one at least, and most often no other. They come in the order in which their intervals
    were closed, and two can be of the same interval. `identities` has that of each, None where it
    is in memory alone: after a crash a daemon delivers again what it can't know to have arrived.
    `pending` are the measurements that are not accounted for yet.
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
        """The backend's own note of what is left to send; None before its first attempt."""
        self.requests_size = 0
        """About how many bytes of memory `requests` takes, where the backend says so."""
        self._note = note

    def delivered(self, measurements: int) -> None:
        """Note that so many measurements have arrived."""
        self.pending -= measurements
        self._note(measurements, None)

    def dropped(self, measurements: int, reason: str) -> None:
        """Note that so many measurements are dropped, for a `reason` of one word."""
        self.pending -= measurements
        self._note(measurements, reason)
