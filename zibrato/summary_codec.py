"""Private: series and summaries to msgpack and back, for every file of the daemon that has some.

Pure; covered by tests/daemon/test_snapshot_codec.py as well.
"""

from __future__ import annotations

from array import array

import msgspec

from zibrato.distribution import Distribution
from zibrato.model import MAX_COUNT
from zibrato.wire import pack, unpack

__all__ = ["encode", "packed_buckets", "to_distribution"]

_Buckets = tuple[float, float, int, list[int], list[int]]


def to_distribution(_kind: type, value: object) -> Distribution:
    """Return the distribution that `encode` wrote: the `dec_hook` of a decoder of summaries."""
    if isinstance(value, bytes):
        return _exact(unpack(value))
    low, high, zeros, indices, counts = msgspec.convert(value, _Buckets)
    return Distribution.of_buckets(dict(zip(indices, counts, strict=True)), zeros, low, high)


def _exact(samples: array[float]) -> Distribution:
    """Return a distribution that has the samples as they are, also where they were buckets once."""
    if not samples:
        return Distribution()
    return Distribution.of_samples(samples, min(samples), max(samples))


def _to_plain(value: object) -> object:
    """Return what msgpack has for a distribution: its samples as they are, or its buckets."""
    if not isinstance(value, Distribution):
        raise NotImplementedError(f"no part of a snapshot: {type(value).__name__}")
    if value.samples is not None:
        return pack(value.samples)
    return value.low, value.high, *packed_buckets(value)


def packed_buckets(distribution: Distribution) -> tuple[int, list[int], list[int]]:
    """Return how many samples are 0, the indices of buckets, and how many are in each."""
    buckets = distribution.buckets
    counts = [min(count, MAX_COUNT) for count in buckets.values()]
    return min(distribution.zeros, MAX_COUNT), list(buckets), counts


encode = msgspec.msgpack.Encoder(enc_hook=_to_plain).encode
