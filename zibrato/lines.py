"""Private: rows and batches that readers of text lines make, whatever the lines' protocol."""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import NamedTuple, Protocol

import msgspec

from zibrato.wire import Batch, CounterRow, SampleRow, pack

_NUMBER = re.compile(rb"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_decode_numbers = msgspec.json.Decoder(list[float]).decode


class RepeatedRow(NamedTuple):
    """Samples of a timer, in seconds; each stands for as many as its item in `times` says."""

    name: str
    level: str
    source: str | None
    tags: dict[str, str]
    samples: Sequence[float]
    times: Sequence[int]


class SetRow(NamedTuple):
    """Values of a set, of which the distinct ones are counted."""

    name: str
    level: str
    source: str | None
    tags: dict[str, str]
    values: Sequence[bytes]


@dataclass
class LineBatch:
    """The rows of gathered lines between the Unix times `start` and `end`, in seconds."""

    start: float
    end: float
    counters: list[CounterRow] = field(default_factory=list)
    timers: list[SampleRow] = field(default_factory=list)
    gauges: list[SampleRow] = field(default_factory=list)
    repeated: list[RepeatedRow] = field(default_factory=list)
    sets: list[SetRow] = field(default_factory=list)


class Gathered(NamedTuple):
    """The result of gathering lines: batches, and numbers of rejected lines by reason."""

    batches: Sequence[LineBatch | Batch]
    rejected: Mapping[str, int]


class LineReader(Protocol):
    """Reads lines, and gathers their values by head (everything but the value).

    It is pure, and never raises.
    """

    pending: int
    """The number of lines that were split since the last `take`."""

    @property
    def heads(self) -> int:
        """The number of different heads of these lines; each costs as much as many values."""

    def split(self, frames: Sequence[bytes]) -> None:
        """Split frames into lines."""

    def take(self, when: float) -> Gathered:
        """Return what was gathered, and begin again; `when` is the default Unix time of lines."""


def numbers(texts: Sequence[bytes]) -> list[float] | None:
    """Return the numbers in `texts`, or None unless each is a JSON number: then use `number`.

    Parsing as JSON is three times as fast as `float`. Besides, `float` would need a check of each
    text first, since it also accepts 1_000 and nan.
    """
    joined = b",".join(texts)
    # JSON allows white space around numbers, but the lines' protocol decides whether they may.
    if b" " in joined or b"\t" in joined or b"\r" in joined:
        return None
    try:
        values = _decode_numbers(b"[" + joined + b"]")
    except msgspec.DecodeError:
        return None
    return values if len(values) == len(texts) else None


def number(text: bytes) -> float | None:
    """Return the finite number in `text`; None if it is none."""
    value = float(text) if _NUMBER.fullmatch(text) else None
    return value if value is not None and isfinite(value) else None


def packed(values: Sequence[float]) -> bytes:
    """Return samples packed as rows have them."""
    return pack(array("d", values))
