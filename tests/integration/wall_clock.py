"""A wall clock of child processes that a test can set, with libfaketime."""

from __future__ import annotations

from pathlib import Path

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
"""None where it is not installed: tests/packages.sh."""


class WallClock:
    """The wall clock of child processes, which a test can set."""

    def __init__(self, directory: Path) -> None:
        self._offset = directory / "offset"
        self.set(0)
        self.environment = {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, offset: int) -> None:
        """Set it to so many seconds from the true time, at one stroke."""
        fresh = self._offset.with_suffix(".new")
        fresh.write_text(f"{offset:+d}\n")
        fresh.replace(self._offset)
