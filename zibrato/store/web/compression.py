"""Responses compressed for clients that take that; pure."""

from __future__ import annotations

import gzip

MIN_SIZE = 4096
"""Bytes; what is less is sent as it is."""
_LEVEL = 1
"""The quickest: a list of 5,000 series takes 10 to 20 ms, and gets a fifth to half as long."""


def accepts_gzip(header: bytes | None) -> bool:
    """Return whether an Accept-Encoding header takes gzip, by name or as anything."""
    weights = {}
    for item in (header or b"").decode("latin-1").lower().split(","):
        coding, _, parameters = item.partition(";")
        weights[coding.strip()] = _weight(parameters)
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def compressed(body: bytes) -> bytes:
    """Return a body compressed."""
    return gzip.compress(body, _LEVEL, mtime=0)


def _weight(parameters: str) -> float:
    """Return the q of a header's item, 1 where it names none."""
    name, _, value = parameters.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
