"""Convert summaries to rows of the file and back, and merge rows; pure.

A timer's distribution is stored as its samples if there are at most `MAX_SAMPLES`, or else as the
buckets of a histogram.
"""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import nan
from typing import Any, TypeAlias

import msgspec

from zibrato.distribution import MAX_BUCKETS, Distribution
from zibrato.model import MAX_COUNT, Summary, bounded

MAX_SAMPLES = 32
"""The most samples of a distribution that are stored as samples."""
Row = tuple[int, float, float | None, float | None, float | None, float | None, bytes | None]
"""A summary as the file stores it: count, sum, min, max, sum of squares, last, distribution.

For a counter, all but the first two are None. For other kinds, the sum of squares and the last
value are None if they are unknown. An empty distribution has one sample, which is `sum`.
"""
Point = tuple[int, Row]
"""The Unix time at which an interval begins, and the row of that interval."""
Buckets = tuple[float, float, int, list[int], list[int]]
Numbers: TypeAlias = "array[Any]"
"""`Any`, because the type of an array's elements depends on its type code."""
_pack = msgspec.msgpack.Encoder().encode
_unpack_buckets = msgspec.msgpack.Decoder(Buckets).decode
_SAMPLES = 0
_BUCKETS = b"\x01"


def row_of(summary: Summary) -> Row:
    """Return the row that stores a summary."""
    distribution = summary.distribution
    return (
        bounded_count(summary.count),
        float(summary.sum),
        float(summary.min),
        float(summary.max),
        float(summary.sum_squares),
        float(summary.last),
        None if distribution is None else encode_distribution(distribution),
    )


def counter_row(summary: Summary) -> Row:
    """Return the row that stores a counter's summary."""
    return bounded_count(summary.count), float(summary.sum), None, None, None, None, None


def bounded_count(count: int) -> int:
    """Return `count`, or the largest count that the file can hold."""
    return min(count, MAX_COUNT)


def summary_of(row: Row) -> Summary:
    """Return the summary that is stored as `row`."""
    count, total, least, most, squares, last, blob = row
    distribution = None if blob is None else decode_distribution(blob, total)
    if least is None or most is None:
        return Summary(count, total)
    return Summary(count, total, least, most, _known(squares), _known(last), distribution)


def merged_row(rows: Sequence[Row]) -> Row:
    """Merge rows of one series, oldest first, into one row."""
    if len(rows) == 1:
        return rows[0]
    summary = merged_summary(rows)
    return counter_row(summary) if rows[0][2] is None else row_of(summary)


def merged_summary(rows: Sequence[Row]) -> Summary:
    """Return the summary of all rows, oldest first; it is a counter's if one of the rows is.

    The result equals that of `Summary.merged`, applied to one row after the other. Queries merge
    thousands of rows at a time, so this works column by column and makes no summary for a row.
    """
    if len(rows) == 1:
        return summary_of(rows[0])
    counts, totals, leasts, mosts, squares, lasts, blobs = zip(*rows, strict=True)
    count, total = bounded_count(sum(counts)), bounded(sum(totals))
    if None in leasts:
        return Summary(count, total)
    present = [blob for blob in blobs if blob is not None]
    distribution = _joined(present, totals) if len(present) == len(blobs) else None
    all_squares = nan if None in squares else bounded(sum(squares))
    return Summary(
        count, total, min(leasts), max(mosts), all_squares, _known(lasts[-1]), distribution
    )


def _known(value: float | None) -> float:
    """Return a number that was read from the file, NaN for None: SQLite can't store NaN."""
    return nan if value is None else value


def _joined(blobs: Sequence[bytes], totals: Iterable[float]) -> Distribution:
    """Merge encoded distributions; decoding each of them first would take longer."""
    samples: Numbers = array("d")
    buckets = []
    for blob, total in zip(blobs, totals, strict=True):
        if not blob:
            samples.append(total)
        elif blob[0] == _SAMPLES:
            samples.extend(from_bytes("d", blob[1:]))
        else:
            buckets.append(buckets_of(blob))
    if not buckets:
        return Distribution(samples)
    whole = _from_buckets(buckets)
    whole.add(samples.tolist())
    # `merged` limits the number of buckets, unlike adding them up here.
    return whole if len(whole.buckets) <= MAX_BUCKETS else Distribution().merged(whole)


def _from_buckets(parts: Sequence[Buckets]) -> Distribution:
    """Merge the buckets of several distributions into one distribution."""
    lows, highs, zeros, _, _ = zip(*parts, strict=True)
    result = Distribution()
    result.samples = None
    result.low, result.high, result.zeros = min(lows), max(highs), sum(zeros)
    (*_, steps, counts), *others = parts
    buckets = result.buckets = Counter(dict(zip(accumulate(steps), counts, strict=True)))
    for *_, steps, counts in others:
        for index, count in zip(accumulate(steps), counts, strict=True):
            buckets[index] = buckets.get(index, 0) + count
    return result


def encode_distribution(distribution: Distribution) -> bytes:
    """Encode a distribution; a single sample takes no bytes, because it equals the sum."""
    samples = distribution.samples
    if samples is not None:
        if len(samples) == 1:
            return b""
        if len(samples) <= MAX_SAMPLES:
            return b"\x00" + to_bytes(samples)
        # Convert a copy: other backends get the same snapshot, with its samples.
        distribution = distribution.in_buckets()
    indices = sorted(distribution.buckets)
    # Store steps between indices: steps are small, and msgpack needs only one byte for most.
    steps = [after - before for before, after in zip([0, *indices], indices, strict=False)]
    counts = [bounded_count(distribution.buckets[index]) for index in indices]
    zeros = bounded_count(distribution.zeros)
    buckets = (distribution.low, distribution.high, zeros, steps, counts)
    return _BUCKETS + _pack(buckets)


def decode_distribution(blob: bytes, total: float) -> Distribution:
    """Decode a distribution; `total` is the sum of its samples."""
    if not blob:
        return Distribution((total,))
    samples = samples_of(blob)
    return Distribution(samples) if samples is not None else _from_buckets([buckets_of(blob)])


def samples_of(blob: bytes) -> Numbers | None:
    """Return the samples of an encoded distribution, or None if it has buckets.

    A single sample isn't encoded, because it equals the sum: the result is empty. Raises
    ValueError.
    """
    return from_bytes("d", blob[1:]) if not blob or blob[0] == _SAMPLES else None


def buckets_of(blob: bytes) -> Buckets:
    """Return low, high, zeros, and steps and counts of the buckets of an encoded distribution.

    Raises ValueError and msgspec.MsgspecError.
    """
    if blob[:1] != _BUCKETS:
        raise ValueError(f"unknown form of distribution: {blob[0]}")
    buckets: Buckets = _unpack_buckets(blob[1:])
    return buckets


def to_bytes(values: Numbers) -> bytes:
    """Encode numbers in the byte order of the file, which is little-endian."""
    return _swapped(values[:]).tobytes() if sys.byteorder == "big" else values.tobytes()


def from_bytes(code: str, data: bytes | bytearray) -> Numbers:
    """Decode numbers that `to_bytes` encoded, to an array with the type code `code`."""
    values: Numbers = array(code)
    values.frombytes(data)
    return _swapped(values)


def _swapped(values: Numbers) -> Numbers:
    if sys.byteorder == "big":
        values.byteswap()
    return values
