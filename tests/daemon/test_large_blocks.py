"""Large blocks are mapped, whatever was freed before."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

from zibrato.daemon.large_blocks import LARGE

PROBE = """
import ctypes, sys
from zibrato.daemon.large_blocks import LARGE, map_large_blocks

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd",
        "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]

mallinfo = ctypes.CDLL(None).mallinfo2
mallinfo.restype = Info
if sys.argv[1] == "mapped":
    map_large_blocks()
for _ in range(3):
    bytearray(16 * LARGE)
before = mallinfo().hblkhd
held = bytearray(4 * LARGE)
print(mallinfo().hblkhd - before >= 4 * LARGE)
"""


def is_mapped(how: str, **environment: str) -> bool:
    """Return whether a large block is mapped, after larger ones were freed."""
    command = [sys.executable, "-c", PROBE, how]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**clean, **environment}
    )
    return done.stdout.strip() == "True"


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="only glibc from 2.33 tells of its blocks"
)
def test_a_large_block_is_mapped_unless_the_environment_says_otherwise() -> None:
    assert LARGE == 1 << 20
    assert not is_mapped("as it is")
    assert is_mapped("mapped")
    assert not is_mapped("mapped", MALLOC_MMAP_THRESHOLD_=str(64 * LARGE))
