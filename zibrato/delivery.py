"""A snapshot on its way to one backend, and the account of what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zibrato.model import Snapshot


class Delivery:
    """A snapshot on its way to one backend."""

    __slots__ = ("_note", "faults", "parcels", "pending", "size", "snapshot")

    def __init__(self, snapshot: Snapshot, note: Callable[[int, str | None], None]) -> None:
        self.snapshot = snapshot
        self.size = snapshot.size
        self.pending = snapshot.measurements
        self.faults = 0
        self.parcels: Any = None
        """The backend's note of what is left; None before its first attempt."""
        self._note = note

    def delivered(self, measurements: int) -> None:
        """Note that so many measurements have arrived."""
        self.pending -= measurements
        self._note(measurements, None)

    def lost(self, measurements: int, reason: str) -> None:
        """Note that so many measurements are given up, for a `reason` of one word."""
        self.pending -= measurements
        self._note(measurements, reason)
