"""Reads files that hold secrets, and checks who else may read or write them."""

from __future__ import annotations

import stat
from pathlib import Path

from zibrato.files.bounded_file import read_bounded

__all__ = ["check_private", "check_writers", "others_may_read", "read_credentials", "read_secret"]

MAX_SECRET = 65_536
"""The most bytes of a file of secrets."""


def read_secret(path: Path) -> str:
    """Return the content of the file, without white space around it.

    Raises ValueError, with a half-sentence for people, if it can't be read, or if others than its
    owner may write to it: they could make the daemon send elsewhere, or let them in.
    """
    try:
        mode = path.stat().st_mode
        text = read_bounded(path, MAX_SECRET).decode().strip()
    except (OSError, ValueError) as error:  # ValueError: also not UTF-8, or an invalid path
        raise ValueError(f"can't read {path}: {_reason(error)}") from None
    if stat.S_ISREG(mode):
        _check_mode(path, mode, 600)
    return text


def check_private(path: Path) -> None:
    """Raise ValueError, with a half-sentence for people, if others may read a file."""
    mode = _mode(path)
    if stat.S_ISREG(mode) and mode & 0o077:
        raise ValueError(f"others may read {path} (mode {stat.S_IMODE(mode):o}); chmod it to 600")


def read_credentials(path: Path) -> str:
    """Return the user:password in the file; raises ValueError as `read_secret` does."""
    text = read_secret(path)
    user, colon, password = text.partition(":")
    if not (user and colon and password) or "\n" in text:
        raise ValueError(f"expected one line of user:password in {path}")
    return text


def check_writers(directory: Path) -> None:
    """Raise ValueError, with a half-sentence for people, if others may write to a directory."""
    mode = _mode(directory)
    if not stat.S_ISDIR(mode):
        raise ValueError(f"{directory} is not a directory")
    _check_mode(directory, mode, 700)


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except (OSError, ValueError) as error:
        raise ValueError(f"can't read {path}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """Return why a file can't be read, without its path, which the message has already."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _check_mode(path: Path, mode: int, wanted: int) -> None:
    if mode & 0o022:
        raise ValueError(
            f"others may write to {path} (mode {stat.S_IMODE(mode):o}); chmod it to {wanted}"
        )


def others_may_read(path: Path) -> bool:
    """Return whether others than the owner may read the file; nobody else can read a pipe."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and bool(mode & 0o044)
