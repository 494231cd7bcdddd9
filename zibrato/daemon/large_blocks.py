"""Makes glibc return large blocks of memory to the system when they are freed."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

LARGE = 1 << 20
"""Bytes of a block that is mapped by itself."""
SPARE = 64 << 20
"""Bytes that may stay free at the heap's end, instead of being returned and requested again."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_OWN_WISHES = ("MALLOC_", "GLIBC_TUNABLES")


def map_large_blocks() -> None:
    """Have glibc map each block of at least `LARGE` bytes by itself, in the whole process.

    By default, glibc takes blocks of up to 32 MiB from the heap after one of that size was freed.
    The daemon allocates such blocks every second, and long-lived objects land between them: a
    third of the heap was holes. The function does nothing with another C library, or if the
    environment configures malloc.
    """
    if any(name.startswith(_OWN_WISHES) for name in os.environ):
        return
    with suppress(OSError, AttributeError):
        set_option = ctypes.CDLL(None).mallopt
        set_option(_M_MMAP_THRESHOLD, LARGE)
        set_option(_M_TRIM_THRESHOLD, SPARE)
