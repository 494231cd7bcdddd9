"""From series to Graphite's paths, `NAME;tag=value;…`; pure.

Everything in a path is ASCII that neither carbon's lines nor Graphite's functions take for their
own. A tag's value may be anything but a `;`, and has no `~` in front.
"""

from __future__ import annotations

import re
from hashlib import sha256

from zibrato.model import Series, Tags

__all__ = ["MAX_PART", "MAX_PATH", "path_name", "path_tags"]

MAX_PATH = 4096
"""Bytes of a name with its tags: what doesn't fit of the latter is left out."""
MAX_PART = 200
"""Characters between two dots of a name: where there are no tags it is the name of a file."""
_DIGEST = 16
_ILLEGAL = re.compile(r"[^A-Za-z0-9_.:-]+")
_ILLEGAL_VALUE = re.compile(r"[^A-Za-z0-9_.:/@+=%&!?*#$^|,()\[\]<>~-]+")
_RESERVED = "name"
_OWN = ("level", "source")


def path_name(text: str) -> str:
    """Return a name as a path: between two dots there is something, and each part is a file's name.

    Each run of illegal characters becomes one `-`.
    """
    parts = _ILLEGAL.sub("-", text).split(".")
    return ".".join(_shortened(part) for part in parts if part) or "-"


def path_tags(series: Series, room: int) -> str:
    """Return the tags of a series in at most `room` characters, each with a `;` before it.

    Level and source are among them, in place of tags of these names. What a tag may not be called
    gets a `-` behind it.
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
    return f"-{legal[1:]}" if legal.startswith("~") else legal  # Graphite refuses it


def _shortened(part: str) -> str:
    if len(part) <= MAX_PART:
        return part
    digest = sha256(part.encode()).hexdigest()[:_DIGEST]
    return f"{part[: MAX_PART - _DIGEST - 1]}-{digest}"
