"""What identifies a series in each API: name and source in the legacy one, or tags; pure.

A tag's name has 1 to 64 of `A-Z a-z 0-9 . : _ -`. Its value has 1 to 255 of these, `? / \\`, spaces
and other letters. Librato converts both to lower case. A measurement has at most 50 tags.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from zibrato.backends.librato.names import digested, sanitised, sanitised_source
from zibrato.model import Series, Tags

__all__ = ["LEGACY_STREAMS", "MAX_TAGS", "TAGGED_STREAMS", "Stream", "Streams"]

MAX_TAGS = 50
_NAME_LENGTH = 64
_VALUE_LENGTH = 255
_ILLEGAL = re.compile(r"[^-.:\w?/\\ ]+")


class Stream(NamedTuple):
    """The identity of a stream; in the tagged API, `source` is one of the `tags`, too."""

    name: str
    source: str
    tags: Tags = ()


class Streams(NamedTuple):
    """How an API identifies streams: by its `own` names for a series, and as a `legal` stream."""

    own: Callable[[Series], Stream]
    legal: Callable[[Stream], Stream]


def _named(series: Series) -> Stream:
    return Stream(series.name, series.source)


def _legal_names(stream: Stream) -> Stream:
    return Stream(sanitised(stream.name), sanitised_source(stream.source))


def _tagged(series: Series) -> Stream:
    """Return the stream, with source and level as tags, which replace tags of these names."""
    tags = {**dict(series.tags), "source": series.source, "level": series.level}
    return Stream(series.name, series.source, tuple(sorted(tags.items())))


def _legal_tags(stream: Stream) -> Stream:
    """Return a stream with legal tags; if there are too many, the last ones are left out."""
    own = dict(stream.tags)
    # These come first, because they distinguish series that have too many other tags.
    kept = {name: _value(own.pop(name)) for name in ("source", "level")}
    for name, value in own.items():
        if len(kept) < MAX_TAGS:
            kept.setdefault(sanitised(name, _NAME_LENGTH).lower(), _value(value))
    return Stream(sanitised(stream.name), kept["source"], tuple(sorted(kept.items())))


def _value(text: str) -> str:
    legal = _ILLEGAL.sub("-", text).lower() or "-"
    return digested(legal, _VALUE_LENGTH)


LEGACY_STREAMS = Streams(_named, _legal_names)
TAGGED_STREAMS = Streams(_tagged, _legal_tags)
