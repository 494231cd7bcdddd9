"""Large blocks of memory, given back to the system as they are freed."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

LARGE = 1 << 20
"""Bytes."""
SPARE = 64 << 20
"""Bytes that may stay free at the end of the heap, rather than be given back and asked for anew."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_OWN_WISHES = ("MALLOC_", "GLIBC_TUNABLES")


def map_large_blocks() -> None:
    """Have glibc map each block of `LARGE` bytes by itself, for all of the process.

    Left to itself it takes blocks of up to 32 MiB from the heap once one as large was freed. Such
    come every second here, and between them what is long-lived: a third of the heap was holes.
    Nothing happens with another C library, or where the environment sets its malloc up.
    """
    if any(name.startswith(_OWN_WISHES) for name in os.environ):
        return
    with suppress(OSError, AttributeError):
        set_option = ctypes.CDLL(None).mallopt
        set_option(_M_MMAP_THRESHOLD, LARGE)
        set_option(_M_TRIM_THRESHOLD, SPARE)
