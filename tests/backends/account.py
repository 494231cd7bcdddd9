"""What became of measurements."""

from __future__ import annotations

__all__ = ["Account"]


class Account(dict[str | None, int]):
    """Measurements by why they were dropped; None has those that were delivered."""

    def note(self, measurements: int, reason: str | None) -> None:
        """Add what a delivery notes."""
        self[reason] = self.get(reason, 0) + measurements
