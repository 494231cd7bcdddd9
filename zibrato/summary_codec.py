"""Private: encodes series and summaries as msgpack for the daemon's files, and decodes them.

It is pure; tests/daemon/outbox/test_snapshot_codec.py tests it, too.
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
    """Return a distribution that `encode` encoded; the `dec_hook` of decoders of summaries."""
    if isinstance(value, bytes):
        return _exact(unpack(value))
    low, high, zeros, indices, counts = msgspec.convert(value, _Buckets)
    return Distribution.of_buckets(dict(zip(indices, counts, strict=True)), zeros, low, high)


def _exact(samples: array[float]) -> Distribution:
    """Return a distribution of exact samples, however many they are."""
    if not samples:
        return Distribution()
    return Distribution.of_samples(samples, min(samples), max(samples))


def _to_plain(value: object) -> object:
    """Return what a distribution is encoded as: its packed samples, or its buckets."""
    if not isinstance(value, Distribution):
        raise NotImplementedError(f"not a part of a snapshot: {type(value).__name__}")
    if value.samples is not None:
        return pack(value.samples)
    return value.low, value.high, *packed_buckets(value)


def packed_buckets(distribution: Distribution) -> tuple[int, list[int], list[int]]:
    """Return the number of zeros, the indices of buckets, and the count of each bucket."""
    buckets = distribution.buckets
    counts = [min(count, MAX_COUNT) for count in buckets.values()]
    return min(distribution.zeros, MAX_COUNT), list(buckets), counts


encode = msgspec.msgpack.Encoder(enc_hook=_to_plain).encode
