"""Reads how much memory the process has."""

from __future__ import annotations

import os
from pathlib import Path


def resident_memory() -> int | None:
    """Return the resident memory in bytes; None if the platform has no /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
