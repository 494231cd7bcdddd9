"""Private: compressed bodies of requests, inflated in bounds."""

from __future__ import annotations

import zlib

__all__ = ["MAX_INFLATED", "inflate"]

MAX_INFLATED = 4 << 20
"""Bytes of a request with OTLP's metrics that came compressed."""
_GZIP = 31  # zlib's code for a gzip header and the largest window


def inflate(body: bytes, limit: int) -> bytes:
    """Return what a gzip holds; raises OverflowError past `limit` bytes, ValueError if it is none.

    What is wrong is one line for people.
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
