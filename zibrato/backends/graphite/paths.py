"""Convert series to Graphite's paths, `NAME;tag=value;…`; pure.

A path has only ASCII characters without a meaning in carbon's lines or Graphite's functions. A
tag's value may have any character except `;`, and may not begin with `~`.
"""

from __future__ import annotations

import re
from hashlib import sha256

from zibrato.model import Series, Tags

__all__ = ["MAX_PART", "MAX_PATH", "path_name", "path_tags"]

MAX_PATH = 4096
"""Bytes of a name with its tags; tags that don't fit are left out."""
MAX_PART = 200
"""Characters between two dots of a name: without tags, this part is a file's name."""
_DIGEST = 16
_ILLEGAL = re.compile(r"[^A-Za-z0-9_.:-]+")
_ILLEGAL_VALUE = re.compile(r"[^A-Za-z0-9_.:/@+=%&!?*#$^|,()\[\]<>~-]+")
_RESERVED = "name"
_OWN = ("level", "source")


def path_name(text: str) -> str:
    """Convert a name to a path, whose parts between dots aren't empty and can be file names.

    Each run of illegal characters becomes one `-`.
    """
    parts = _ILLEGAL.sub("-", text).split(".")
    return ".".join(_shortened(part) for part in parts if part) or "-"


def path_tags(series: Series, room: int) -> str:
    """Return the tags of a series in at most `room` characters, each with a `;` before it.

    Level and source are included; they replace tags of these names. A tag whose name is not allowed
    gets a `-` after its name.
    """
    own = (("level", series.level), ("source", series.source))
    others: Tags = tuple(tag for tag in series.tags if tag[0] not in _OWN)
    texts: dict[str, str] = {}
    for name, value in own + others:
        legal = _ILLEGAL.sub("-", name) or "-"
        if legal == _RESERVED or (legal in _OWN and legal != name):
            legal += "-"
        text = f";{legal}={_value(value)}"
        if legal not in texts and len(text) <= room:
            texts[legal] = text
            room -= len(text)
    return "".join(texts[name] for name in sorted(texts))


def _value(text: str) -> str:
    legal = _ILLEGAL_VALUE.sub("-", text) or "-"
    return f"-{legal[1:]}" if legal.startswith("~") else legal  # Graphite rejects a ~ here


def _shortened(part: str) -> str:
    if len(part) <= MAX_PART:
        return part
    digest = sha256(part.encode()).hexdigest()[:_DIGEST]
    return f"{part[: MAX_PART - _DIGEST - 1]}-{digest}"
