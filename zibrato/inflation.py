"""Private: decompresses bodies of requests, up to a bound."""

from __future__ import annotations

import zlib

__all__ = ["MAX_INFLATED", "inflate", "inflated_size"]

MAX_INFLATED = 4 << 20
"""Bytes of a decompressed request with OTLP's metrics."""
_GZIP = 31  # zlib's code for a gzip header and the largest window


def inflated_size(body: bytes) -> int:
    """Return the size of a gzip body's content, as its end says; `inflate` finds out if it lies."""
    return int.from_bytes(body[-4:], "little")


def inflate(body: bytes, limit: int) -> bytes:
    """Return the decompressed content of a gzip body.

    Raises OverflowError beyond `limit` bytes, and ValueError if the body isn't exactly one gzip;
    both with one line for people.
    """
    inflating = zlib.decompressobj(_GZIP)
    try:
        inflated = inflating.decompress(body, limit + 1)
    except zlib.error as error:
        raise ValueError(f"the body is not gzip: {error}") from None
    if len(inflated) > limit:
        raise OverflowError(f"the body is larger than {limit} bytes")
    if not inflating.eof:
        raise ValueError("the body is not all of its gzip")
    if inflating.unused_data:
        raise ValueError("the body is more than one gzip")
    return inflated
