"""A file that holds a secret: what is in it, and who else may read or write it."""

from __future__ import annotations

import stat
from pathlib import Path

__all__ = ["others_may_read", "read_secret"]

MAX_SECRET = 65_536
"""Characters; some devices never end."""


def read_secret(path: Path) -> str:
    """Return what the file holds, without white space around it.

    Raises ValueError, with a half-sentence for people, where it can't be read, and where others
    than its owner may write to it: they could have the daemon send elsewhere, or let them in.
    """
    try:
        mode = path.stat().st_mode
        with path.open() as file:
            text = file.read(MAX_SECRET + 1).strip()
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, or no path
        raise ValueError(f"can't read {path}: {error}") from None
    if len(text) > MAX_SECRET:
        raise ValueError(f"{path} has more than {MAX_SECRET:,} characters; it must hold a secret")
    if stat.S_ISREG(mode) and mode & 0o022:
        raise ValueError(
            f"others may write to {path} (mode {stat.S_IMODE(mode):o}); chmod it to 600"
        )
    return text


def others_may_read(path: Path) -> bool:
    """Whether others than the owner may read the file; a pipe is nobody else's."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and bool(mode & 0o044)
