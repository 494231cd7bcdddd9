"""Summaries to rows of the file and back, and rows merged; pure.

A timer's distribution is kept as its samples while there are at most `MAX_SAMPLES`, else as
buckets.
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
"""Up to how many samples a distribution is written as they are."""
Row = tuple[int, float, float | None, float | None, float | None, float | None, bytes | None]
"""A summary as the file has it: count, sum, min, max, sum of squares, last, distribution.

Of a counter, all but the first two are None; the sum of squares and the last value are where they
aren't known. An empty distribution is that of `sum` alone.
"""
Point = tuple[int, Row]
"""A row and the Unix time at which its interval begins."""
Buckets = tuple[float, float, int, list[int], list[int]]
Numbers: TypeAlias = "array[Any]"
"""Any, as what an array holds depends on its type code."""
_pack = msgspec.msgpack.Encoder().encode
_unpack_buckets = msgspec.msgpack.Decoder(Buckets).decode
_SAMPLES = 0
_BUCKETS = b"\x01"


def row_of(summary: Summary) -> Row:
    """Return a summary as the file has it."""
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
    """Return a counter's summary as the file has it."""
    return bounded_count(summary.count), float(summary.sum), None, None, None, None, None


def bounded_count(count: int) -> int:
    """Return `count`, or the most that the file can hold."""
    return min(count, MAX_COUNT)


def summary_of(row: Row) -> Summary:
    """Return what `row` was made of."""
    count, total, least, most, squares, last, blob = row
    distribution = None if blob is None else decode_distribution(blob, total)
    if least is None or most is None:
        return Summary(count, total)
    return Summary(count, total, least, most, _known(squares), _known(last), distribution)


def merged_row(rows: Sequence[Row]) -> Row:
    """Return the rows of one series, oldest first, merged to one."""
    if len(rows) == 1:
        return rows[0]
    summary = merged_summary(rows)
    return counter_row(summary) if rows[0][2] is None else row_of(summary)


def merged_summary(rows: Sequence[Row]) -> Summary:
    """Return the summary of all rows, oldest first; as a counter's if one is a counter's.

    It is what `Summary.merged` of one after the other comes to. Queries merge thousands of rows
    at a time, for which this goes column by column and makes no summary of a row.
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
    """Return what the file has for a number; SQLite knows no NaN."""
    return nan if value is None else value


def _joined(blobs: Sequence[bytes], totals: Iterable[float]) -> Distribution:
    """Return the distribution of all samples of several, which it is quicker not to make first."""
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
    # Merging bounds the buckets, which adding them up here does not.
    return whole if len(whole.buckets) <= MAX_BUCKETS else Distribution().merged(whole)


def _from_buckets(parts: Sequence[Buckets]) -> Distribution:
    """Return the distribution of the buckets of several."""
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
    """Return the bytes of a distribution; of a single sample, which is the sum, none."""
    samples = distribution.samples
    if samples is not None:
        if len(samples) == 1:
            return b""
        if len(samples) <= MAX_SAMPLES:
            return b"\x00" + to_bytes(samples)
        # A copy: other backends get the same snapshot, samples and all.
        distribution = distribution.in_buckets()
    indices = sorted(distribution.buckets)
    # Steps are small, unlike indices: msgpack has one byte for most.
    steps = [after - before for before, after in zip([0, *indices], indices, strict=False)]
    counts = [bounded_count(distribution.buckets[index]) for index in indices]
    zeros = bounded_count(distribution.zeros)
    buckets = (distribution.low, distribution.high, zeros, steps, counts)
    return _BUCKETS + _pack(buckets)


def decode_distribution(blob: bytes, total: float) -> Distribution:
    """Return what `encode_distribution` made bytes of; `total` is the sum of the samples."""
    if not blob:
        return Distribution((total,))
    samples = samples_of(blob)
    return Distribution(samples) if samples is not None else _from_buckets([buckets_of(blob)])


def samples_of(blob: bytes) -> Numbers | None:
    """Return the samples of a distribution as it is written, None where it has buckets.

    Raises ValueError. Of a single one there are none: that is the sum.
    """
    return from_bytes("d", blob[1:]) if not blob or blob[0] == _SAMPLES else None


def buckets_of(blob: bytes) -> Buckets:
    """Return low, high, zeros, and steps and counts of the buckets of a distribution that has them.

    Raises ValueError, and msgspec.MsgspecError.
    """
    if blob[:1] != _BUCKETS:
        raise ValueError(f"unknown form of distribution: {blob[0]}")
    buckets: Buckets = _unpack_buckets(blob[1:])
    return buckets


def to_bytes(values: Numbers) -> bytes:
    """Return numbers in the byte order of the file, little-endian."""
    return _swapped(values[:]).tobytes() if sys.byteorder == "big" else values.tobytes()


def from_bytes(code: str, data: bytes | bytearray) -> Numbers:
    """Return the numbers, of an array's type code, of which `to_bytes` made bytes."""
    values: Numbers = array(code)
    values.frombytes(data)
    return _swapped(values)


def _swapped(values: Numbers) -> Numbers:
    if sys.byteorder == "big":
        values.byteswap()
    return values
