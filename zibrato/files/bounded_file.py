"""Reads small files, and nothing whose reading could block or never end."""

from __future__ import annotations

import os
import stat
from pathlib import Path

__all__ = ["read_bounded"]

_INHERITED = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")
"""How shells name a pipe of theirs: `<(…)` is /dev/fd/63."""
_KINDS = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}


def read_bounded(path: str | Path, limit: int) -> bytes:
    """Return the content of a regular file, or of a pipe that the process was started with.

    Raises OSError, and ValueError, with a half-sentence for people, if it is something else, such
    as a named pipe, which blocks until somebody writes, or has more than `limit` bytes.
    """
    mode = os.stat(path).st_mode
    if stat.S_ISFIFO(mode) and str(path).startswith(_INHERITED):
        flags = os.O_RDONLY
    elif stat.S_ISREG(mode):
        flags = os.O_RDONLY | os.O_NONBLOCK  # a named pipe may have taken its place
    else:
        raise ValueError(f"it is {_KINDS.get(stat.S_IFMT(mode), 'a device')}, not a file")
    with os.fdopen(os.open(path, flags | os.O_CLOEXEC), "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"it has more than {limit:,} bytes")
    return content
