"""Which names and sources Librato takes, and the one rule by which all others are rewritten.

Legal are 1 to 255 of A-Z a-z 0-9 . : _ - in any case, which it does not tell apart; `all` is
reserved as a source.
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

    Each run of illegal characters becomes one `-`, as python-librato does it. What is then too
    long keeps its beginning, followed by `-` and the first 16 hexadecimal digits of the SHA-256
    of the lower-case whole, so that long names stay distinct.
    """
    return digested(_ILLEGAL.sub("-", text) or "-", room)


def digested(legal: str, room: int) -> str:
    """Return a legal text in `room` characters, what is too long with a digest of the whole."""
    if len(legal) <= room:
        return legal
    digest = sha256(legal.lower().encode()).hexdigest()[:_DIGEST]
    return f"{legal[: room - _DIGEST - 1]}-{digest}"


def sanitised_source(text: str) -> str:
    """Return `text` as a legal source: as a name, but the reserved `all` gets a `-` appended."""
    source = sanitised(text)
    return f"{source}-" if source.lower() == "all" else source


def percentile_name(name: str, percent: float) -> str:
    """Return the name of a percentile of the legal `name`, whole if it must be shortened."""
    suffix = f".{percentile_label(percent)}"
    return sanitised(name, LEGAL_LENGTH - len(suffix)) + suffix
