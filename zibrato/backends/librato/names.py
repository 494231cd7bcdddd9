"""The names and sources that Librato accepts, and the rule that rewrites all others.

Legal are 1 to 255 characters of A-Z a-z 0-9 . : _ - (Librato ignores their case). The source `all`
is reserved.
"""

from __future__ import annotations

import re
from hashlib import sha256

from zibrato.distribution import percentile_label

LEGAL_LENGTH = 255
_ILLEGAL = re.compile(r"[^A-Za-z0-9.:_-]+")
_DIGEST = 16


def sanitised(text: str, room: int = LEGAL_LENGTH) -> str:
    """Return `text` as a legal name of at most `room` characters; an empty one becomes `-`.

    Each run of illegal characters becomes one `-`, as in python-librato. If the result is too long,
    its beginning is kept, followed by `-` and the first 16 hexadecimal digits of the SHA-256 of the
    whole in lower case, so that long names stay distinct.
    """
    return digested(_ILLEGAL.sub("-", text) or "-", room)


def digested(legal: str, room: int) -> str:
    """Return a legal text in `room` characters; one that is too long gets a digest of the whole."""
    if len(legal) <= room:
        return legal
    digest = sha256(legal.lower().encode()).hexdigest()[:_DIGEST]
    return f"{legal[: room - _DIGEST - 1]}-{digest}"


def sanitised_source(text: str) -> str:
    """Return `text` as a legal source: like a name, but `-` is appended to the reserved `all`."""
    source = sanitised(text)
    return f"{source}-" if source.lower() == "all" else source


def percentile_name(name: str, percent: float) -> str:
    """Return the name of a percentile of the legal `name`; shortening keeps the percentile."""
    suffix = f".{percentile_label(percent)}"
    return sanitised(name, LEGAL_LENGTH - len(suffix)) + suffix
