"""What every backend does with its settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from zibrato.suggestion import suggestion


def check_names(settings: Mapping[str, str], *allowed: str) -> None:
    """Raise ValueError, with one line for people, for a setting that is not `allowed`."""
    for name in settings:
        if name not in allowed:
            expected = f"one of {', '.join(allowed)}" if allowed else "no settings"
            raise ValueError(f"expected {expected}, got {name!r}{suggestion(name, allowed)}")


def claim_path(path: Path, files: set[Path]) -> None:
    """Add a resolved path to those that a backend has for itself alone.

    Raises ValueError, with one line for people, if another backend or the outbox has it: lines of a
    log in a store's file, for example, would corrupt it.
    """
    if path in files:
        raise ValueError(
            f"path: another backend of this daemon, or its outbox, has {path}; give each its own"
        )
    files.add(path)
