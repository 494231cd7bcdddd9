"""What is written is what carbon reads: lines, and pickles of less than a megabyte."""

from __future__ import annotations

import pickle
import struct

from zibrato.backends.graphite.encoding import AT_ONCE, ENCODINGS, chunks
from zibrato.backends.graphite.paths import MAX_PATH
from zibrato.backends.graphite.points import Point

POINTS = [Point("a.count;level=info", 3, 1_700_000_000), Point("b", -1e-9, 1_700_000_001)]


def test_lines() -> None:
    (chunk,) = chunks(POINTS, ENCODINGS["plain"])
    assert chunk == b"a.count;level=info 3 1700000000\nb -1e-09 1700000001\n"


def test_pickles_have_their_length_before_them() -> None:
    points = [Point(f"{number:03}" + "x" * MAX_PATH, 1.0, 2) for number in range(AT_ONCE + 1)]
    parts = list(chunks(points, ENCODINGS["pickle"]))
    read = []
    for part in parts:
        (length,) = struct.unpack("!L", part[:4])
        assert length == len(part) - 4 < 2**20
        read += pickle.loads(part[4:])  # noqa: S301 - our own
    assert read == [(path, (time, value)) for path, value, time in points]


def test_nothing_is_no_chunk() -> None:
    assert list(chunks([], ENCODINGS["plain"])) == []
