"""Private: what lines of text say, of any protocol: rows for the aggregator, and rejections."""

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
    """Samples of a timer, in seconds, each of which stands for as many as `times` says."""

    name: str
    level: str
    source: str | None
    tags: dict[str, str]
    samples: Sequence[float]
    times: Sequence[int]


class SetRow(NamedTuple):
    """Values of which the distinct ones are counted."""

    name: str
    level: str
    source: str | None
    tags: dict[str, str]
    values: Sequence[bytes]


@dataclass
class LineBatch:
    """What lines recorded between the Unix times `start` and `end`, in seconds."""

    start: float
    end: float
    counters: list[CounterRow] = field(default_factory=list)
    timers: list[SampleRow] = field(default_factory=list)
    gauges: list[SampleRow] = field(default_factory=list)
    repeated: list[RepeatedRow] = field(default_factory=list)
    sets: list[SetRow] = field(default_factory=list)


class Gathered(NamedTuple):
    """What was gathered of lines: batches, and how many lines were rejected, by reason."""

    batches: Sequence[LineBatch | Batch]
    rejected: Mapping[str, int]


class LineReader(Protocol):
    """Gathers the values of lines by what else is in them; pure, and never raises."""

    pending: int
    """How many lines were split since the last `take`."""

    @property
    def heads(self) -> int:
        """How many different beginnings they have: each costs as much as many values."""

    def split(self, frames: Sequence[bytes]) -> None:
        """Take the lines of frames apart."""

    def take(self, when: float) -> Gathered:
        """Return what was gathered; a line without a time is of the Unix time `when`."""


def numbers(texts: Sequence[bytes]) -> list[float] | None:
    """Return the numbers of `texts`, None unless each is one as JSON has it: then look at each.

    JSON's are parsed three times as fast as by `float`, which would also need a look at each
    before, for it takes more: 1_000, nan.
    """
    joined = b",".join(texts)
    # JSON takes blanks around numbers. Whether a line may have them its own protocol says.
    if b" " in joined or b"\t" in joined or b"\r" in joined:
        return None
    try:
        values = _decode_numbers(b"[" + joined + b"]")
    except msgspec.DecodeError:
        return None
    return values if len(values) == len(texts) else None


def number(text: bytes) -> float | None:
    """Return the finite number that `text` is."""
    value = float(text) if _NUMBER.fullmatch(text) else None
    return value if value is not None and isfinite(value) else None


def packed(values: Sequence[float]) -> bytes:
    """Return samples as rows have them."""
    return pack(array("d", values))
