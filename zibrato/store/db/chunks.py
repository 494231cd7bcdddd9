"""Encode points as chunks, and decode chunks; pure.

A chunk has all points of one series in one block, column by column, compressed.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import isnan, nan

import msgspec

from zibrato.store.db.codec import Numbers, Point, from_bytes, to_bytes

_Columns = tuple[bytes, bytes, list[bytes], list[bytes] | None]
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(_Columns).decode


def encode_points(points: Sequence[Point], block: int) -> bytes:
    """Encode points, oldest first, as a chunk of the block that begins at Unix time `block`.

    If each row has one sample, the squares are left out, since they are the squares of the sums.
    """
    starts = array("I", [start - block for start, _ in points])
    # Store the steps between starts instead of the starts: steps are mostly all the same.
    steps = array("I", [b - a for a, b in zip([0, *starts], starts, strict=False)])
    counts, totals, leasts, mosts, squares, lasts, blobs = zip(*(r for _, r in points), strict=True)
    columns = [_planes(array("d", totals))]
    if leasts[0] is not None:
        single = all(count == 1 for count in counts)
        if single and all(t * t == s for t, s in zip(totals, squares, strict=True)):
            squares = ()
        columns += [_planes(_doubles(column)) for column in (leasts, mosts, lasts, squares)]
    parts = None if blobs[0] is None else list(blobs)
    packed = _pack((_planes(steps), _planes(array("Q", counts)), columns, parts))
    return zlib.compress(packed, 1)


def decode_points(chunk: bytes, block: int) -> list[Point]:
    """Return the points of a chunk, oldest first; raises ValueError for anything else."""
    try:
        return _decoded(chunk, block)
    except (zlib.error, msgspec.MsgspecError, TypeError) as error:
        raise ValueError(f"not a chunk: {error}") from None


def _decoded(chunk: bytes, block: int) -> list[Point]:
    steps, counts_, columns, parts = _unpack(zlib.decompress(chunk))
    starts = list(accumulate(_from_planes("I", steps), initial=block))[1:]
    counts = _from_planes("Q", counts_)
    totals, *others = (_from_planes("d", column) for column in columns)
    nothing: Iterable[None] = [None] * len(counts)
    blobs: Iterable[bytes | None] = nothing if parts is None else parts
    if not others:
        rows = zip(counts, totals, nothing, nothing, nothing, nothing, nothing, strict=True)
        return list(zip(starts, rows, strict=True))
    leasts, mosts, lasts, squares = others
    powers: Iterable[float] = squares or [total * total for total in totals]
    filled = zip(counts, totals, leasts, mosts, _known(powers), _known(lasts), blobs, strict=True)
    return list(zip(starts, filled, strict=True))


def _doubles(column: Sequence[float | None]) -> Numbers:
    """Return a column as an array; an unknown value becomes NaN."""
    if None in column:
        column = [nan if value is None else value for value in column]
    return array("d", column)


def _known(values: Iterable[float]) -> Iterable[float | None]:
    """Undo `_doubles`: a NaN becomes None. Any NaN makes the sum NaN, which is quick to check."""
    if not isnan(sum(values)):
        return values
    return [None if isnan(value) else value for value in values]


def _planes(values: Numbers) -> bytes:
    """Return the first bytes of all values, then all second bytes, and so on: the planes.

    Values that follow each other in time differ mostly in their low bytes. Side by side, the high
    bytes (signs and exponents) are long runs of the same byte, which zlib compresses to almost
    nothing. In the usual layout, the low bytes in between would break each run.
    """
    data = to_bytes(values)
    size = values.itemsize
    return b"".join(data[plane::size] for plane in range(size))


def _from_planes(code: str, data: bytes) -> Numbers:
    """Undo `_planes`: return the values as an array with the type code `code`."""
    size = array(code).itemsize
    count = len(data) // size
    joined = bytearray(len(data))
    for plane in range(size):
        joined[plane::size] = data[plane * count : (plane + 1) * count]
    return from_bytes(code, joined)
