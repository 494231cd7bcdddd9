"""The messages of remote write 1.0, written as protobuf has them; pure.

A few kinds of fields are all there is to them: that is less than what a library would need to be
told. Field numbers are those of prometheus/prompb in Prometheus's repository.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from zibrato.distribution import SCALE, Distribution

__all__ = ["Sample", "histogram", "time_series", "write_request"]

_VARINT, _FIXED, _BYTES = 0, 1, 2
"""Wire types."""
_SMALL = [bytes([value]) for value in range(0x80)]
"""Most numbers are small."""


class Sample(NamedTuple):
    """A value at a time, in Unix milliseconds."""

    time: int
    value: float


def write_request(series: Iterable[bytes]) -> bytes:
    """Return the WriteRequest of `time_series`."""
    return b"".join(series)


def time_series(
    labels: Mapping[str, str], samples: Sequence[Sample] = (), histograms: Sequence[bytes] = ()
) -> bytes:
    """Return one TimeSeries as a field of a WriteRequest; its samples are oldest first."""
    # Remote write has the labels of a series in the order of their names.
    parts = [_embedded(1, _text(1, name) + _text(2, labels[name])) for name in sorted(labels)]
    parts += [_embedded(2, _double(1, one.value) + _integer(2, one.time)) for one in samples]
    parts += [_embedded(4, one) for one in histograms]
    return _embedded(1, b"".join(parts))


def histogram(time: int, count: int, total: float, distribution: Distribution) -> bytes:
    """Return a native histogram at a time, in Unix milliseconds, for `time_series`.

    It is one of integers: our buckets, at our scale, have Prometheus's own indices. `total` is the
    sum; the distribution is in buckets.
    """
    buckets = distribution.buckets
    spans: list[list[int]] = []
    deltas, previous, before = [], 0, 0
    for position, index in enumerate(sorted(buckets)):
        if position and index == previous + 1:
            spans[-1][1] += 1
        else:
            # The first span begins at an index, each other one so far behind the one before.
            spans.append([index - previous - 1 if position else index, 1])
        deltas.append(_zigzag(buckets[index] - before))
        previous, before = index, buckets[index]
    return b"".join(
        [
            _integer(1, count),
            _double(3, total),
            _integer(4, _zigzag(SCALE)),
            _double(5, 0.0),  # in the bucket of zero there is nothing else
            _integer(6, distribution.zeros),
            *(
                _embedded(11, _integer(1, _zigzag(offset)) + _integer(2, length))
                for offset, length in spans
            ),
            _embedded(12, b"".join(map(_varint, deltas))),
            _integer(15, time),
        ]
    )


def _embedded(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _text(number: int, text: str) -> bytes:
    return _embedded(number, text.encode(errors="replace"))


def _double(number: int, value: float) -> bytes:
    return _varint(number << 3 | _FIXED) + struct.pack("<d", value)


def _integer(number: int, value: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(value)


def _zigzag(value: int) -> int:
    """Return a signed integer as an unsigned one that is small where the signed one is near 0."""
    return value << 1 if value >= 0 else (-value << 1) - 1


def _varint(value: int) -> bytes:
    """Return an integer of at least 0 in as many bytes as it needs, 7 bits each."""
    if value < len(_SMALL):
        return _SMALL[value]
    content = bytearray()
    while value > 0x7F:
        content.append(value & 0x7F | 0x80)
        value >>= 7
    content.append(value)
    return bytes(content)
