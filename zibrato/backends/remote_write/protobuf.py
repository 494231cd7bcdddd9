"""Encode the messages of remote write 1.0 as protobuf; pure.

The messages have only a few kinds of fields, so this is shorter than the schema that a library
would need. Field numbers are those of prometheus/prompb in Prometheus's repository.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from zibrato.distribution import SCALE, Distribution

__all__ = ["Sample", "histogram", "time_series", "write_request"]

_VARINT, _FIXED, _BYTES = 0, 1, 2
"""Protobuf's wire types."""
_SMALL = [bytes([value]) for value in range(0x80)]
"""Encoded in advance, because most numbers are small."""


class Sample(NamedTuple):
    """A value and its time, in Unix milliseconds."""

    time: int
    value: float


def write_request(series: Iterable[bytes]) -> bytes:
    """Return a WriteRequest that contains results of `time_series`."""
    return b"".join(series)


def time_series(
    labels: Mapping[str, str], samples: Sequence[Sample] = (), histograms: Sequence[bytes] = ()
) -> bytes:
    """Return one TimeSeries as a field of a WriteRequest; its samples are oldest first."""
    # Remote write requires the labels of a series in the order of their names.
    parts = [_embedded(1, _text(1, name) + _text(2, labels[name])) for name in sorted(labels)]
    parts += [_embedded(2, _double(1, one.value) + _integer(2, one.time)) for one in samples]
    parts += [_embedded(4, one) for one in histograms]
    return _embedded(1, b"".join(parts))


def histogram(time: int, count: int, total: float, distribution: Distribution) -> bytes:
    """Return a native histogram at a time, in Unix milliseconds, for `time_series`.

    It has integer counts. Zibrato's buckets have the same indices as Prometheus's, at the same
    scale. `total` is the sum; the distribution is in buckets.
    """
    buckets = distribution.buckets
    spans: list[list[int]] = []
    deltas, previous, before = [], 0, 0
    for position, index in enumerate(sorted(buckets)):
        if position and index == previous + 1:
            spans[-1][1] += 1
        else:
            # The first span starts at an index; the others have their distance from the previous
            # one.
            spans.append([index - previous - 1 if position else index, 1])
        deltas.append(_zigzag(buckets[index] - before))
        previous, before = index, buckets[index]
    return b"".join(
        [
            _integer(1, count),
            _double(3, total),
            _integer(4, _zigzag(SCALE)),
            _double(5, 0.0),  # the zero bucket contains only zeros
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
    """Return a signed integer as an unsigned one, which is small if the signed one is near 0."""
    return value << 1 if value >= 0 else (-value << 1) - 1


def _varint(value: int) -> bytes:
    """Encode an integer of at least 0 in as few bytes as possible, with 7 bits in each."""
    if value < len(_SMALL):
        return _SMALL[value]
    content = bytearray()
    while value > 0x7F:
        content.append(value & 0x7F | 0x80)
        value >>= 7
    content.append(value)
    return bytes(content)
