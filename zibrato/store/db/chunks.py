"""Points to chunks and back; pure.

A chunk is all points of one series in a block, column by column, compressed.
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
    """Return the chunk of points, oldest first, of the block that begins at Unix time `block`.

    Of rows of one sample each, the squares are left out: they are those of the sums.
    """
    starts = array("I", [start - block for start, _ in points])
    # Intervals mostly follow one another: steps, unlike starts, are all the same.
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
    """Return the points of a chunk, oldest first; raises ValueError where it is none."""
    try:
        return _decoded(chunk, block)
    except (zlib.error, msgspec.MsgspecError, TypeError) as error:
        raise ValueError(f"no chunk: {error}") from None


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
    """Return a column that may have unknown values: NaN."""
    if None in column:
        column = [nan if value is None else value for value in column]
    return array("d", column)


def _known(values: Iterable[float]) -> Iterable[float | None]:
    """Return what `_doubles` made an array of; a NaN makes their sum one."""
    if not isnan(sum(values)):
        return values
    return [None if isnan(value) else value for value in values]


def _planes(values: Numbers) -> bytes:
    """Return the values' first bytes, then their second ones, and so on: the planes.

    Neighbours in time differ in their low bytes alone. Side by side, the high ones, signs and
    exponents, are long runs of the same byte, which zlib packs to almost nothing; as they lie in
    memory, the low bytes between would break each run.
    """
    data = to_bytes(values)
    size = values.itemsize
    return b"".join(data[plane::size] for plane in range(size))


def _from_planes(code: str, data: bytes) -> Numbers:
    """Return the values, of an array's type code, of which `_planes` made bytes."""
    size = array(code).itemsize
    count = len(data) // size
    joined = bytearray(len(data))
    for plane in range(size):
        joined[plane::size] = data[plane * count : (plane + 1) * count]
    return from_bytes(code, joined)
