"""Parses the head of a statsd line, which is everything but its value."""

from __future__ import annotations

import re
from dataclasses import dataclass

from zibrato.lines import number
from zibrato.model import COUNTER, GAUGE, SET, TIMER

TYPES = {b"c": COUNTER, b"ms": TIMER, b"h": TIMER, b"d": TIMER, b"g": GAUGE, b"s": SET}
MIN_RATE = 1e-9
"""The lowest sample rate: a line with a lower one would stand for impossibly many measurements."""
MAX_DATE = 253_402_300_799
"""The last second of the year 9999."""
_TAGGED = re.compile(rb"([^],#[]*)(?:[,#]([^],#[].*)|\[(.*?)\](.*))", re.S)
"""A name with tags in it, in the ways of InfluxDB, Librato and SignalFx."""
Identity = tuple[str, str, str | None, tuple[tuple[str, str], ...]]
"""Name, level, source and tags."""


class HeadError(Exception):
    """A head is invalid; the message is a reason of one word."""


@dataclass(eq=False)
class Head:
    """The parsed head, which all lines with the same name and tail share.

    `divisor` converts a timer's values to seconds. Each value stands for `weight` measurements.
    `when` is a Unix time. `carried` is the rounding error that `times` carries over.
    """

    kind: str
    identity: Identity
    divisor: float
    weight: float
    when: float | None
    carried: float = 0.0

    def times(self, count: int) -> int:
        """Return how many measurements `count` values stand for; carries rounding errors over."""
        if self.weight == 1:
            return count
        exact = count * self.weight + self.carried
        times = max(1, round(exact))
        self.carried = exact - times
        return times


def parse_head(name: bytes, tail: bytes, level: str) -> Head:
    """Return the head of a name and a tail (all behind the value); raises HeadError.

    `level` is the default if there is no tag `level`. Fields after the type may be in any order:
    `@RATE`, `#TAGS`, `T` with a Unix time, and extensions, which are one or more letters before a
    colon. Extensions are ignored; one of them is the container, which serves to look up tags.
    """
    mtype, *fields = tail.rstrip().split(b"|")
    if mtype not in TYPES:
        raise HeadError("mtype")
    name, tags = _split_name(name.lstrip())
    weight, when = 1.0, None
    for field in fields:
        if field.startswith(b"@"):
            weight = _weight(field[1:])
        elif field.startswith(b"#"):
            if tags:
                raise HeadError("tags")  # tags in two ways at once are ambiguous
            tags = parse_tags(field[1:])
        elif field.startswith(b"T"):
            when = parse_time(field[1:])
        elif b":" not in field:
            raise HeadError("fields")
    identity = _identity(parse_text(name), tags, level)
    divisor = 1000.0 if mtype == b"ms" else 1.0
    return Head(TYPES[mtype], identity, divisor, weight, when)


def parse_tags(text: bytes) -> dict[str, str]:
    """Return the tags of DogStatsD's format; raises HeadError.

    A tag without a colon gets the value `true`. A tag with an empty value is ignored, because no
    backend can hold it. If a tag has several values, the last one counts.
    """
    tags = {}
    for item in text.split(b","):
        name, colon, value = item.strip().removeprefix(b"#").partition(b":")
        if colon and not name:
            raise HeadError("tags")
        if name and (value or not colon):
            tags[parse_text(name)] = parse_text(value) or "true"
    return tags


def parse_time(text: bytes) -> float:
    """Return a Unix time; raises HeadError."""
    when = float(text) if text.isdigit() and len(text) <= len(str(MAX_DATE)) else -1.0
    if not 0 <= when <= MAX_DATE:
        raise HeadError("timestamp")
    return when


def _identity(name: str, tags: dict[str, str], level: str) -> Identity:
    if not name:
        raise HeadError("name")
    level, source = tags.pop("level", level), tags.pop("source", None)
    return name, level, source, tuple(sorted(tags.items()))


def _weight(text: bytes) -> float:
    """Return how many measurements a line with this sample rate stands for."""
    rate = number(text)
    if rate is None or not MIN_RATE <= rate <= 1:
        raise HeadError("rate")
    return 1 / rate


def _split_name(name: bytes) -> tuple[bytes, dict[str, str]]:
    """Return a name without the tags in it, and the tags, as of `name,tag=value`."""
    match = _TAGGED.fullmatch(name) if b"=" in name or b"[]" in name else None
    if match is None:
        return name, {}
    before, behind, inner, after = match.groups(b"")
    return before + after, _pairs(behind + inner)


def _pairs(text: bytes) -> dict[str, str]:
    pairs = [item.partition(b"=") for item in text.split(b",") if item]
    if not all(name and value for name, _, value in pairs):
        raise HeadError("tags")
    return {parse_text(name): parse_text(value) for name, _, value in pairs}


def parse_text(data: bytes) -> str:
    """Return decoded UTF-8; raises HeadError if the bytes are invalid."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise HeadError("encoding") from None
