"""What travels over ZeroMQ: batches as msgpack, and the one-line text form. See docs/protocol.rst.

Decoding is pure: bytes in, batches and reasons for refusal out; malformed input never raises.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from sys import byteorder
from typing import NamedTuple

import msgspec

from .model import COUNTER, GAUGE, TIMER

VERSION = 1
MAX_FRAME = 4 * 1024 * 1024
_BATCH_HEADER = 0x98  # msgpack: an array of 8 elements
_MAX_PARTS = 6
_MIN_PARTS = 4


class CounterRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`count` increments of a counter, `sum` together."""

    name: str
    level: str
    source: str | None
    tags: dict[str, str]
    count: int
    sum: float


class SampleRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Durations (seconds) of a timer, or readings of a gauge in order: little-endian float64s."""

    name: str
    level: str
    source: str | None
    tags: dict[str, str]
    samples: bytes


class Batch(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """What one client recorded between the Unix times `start` and `end`, in seconds."""

    version: int
    client: str
    sequence: int
    start: float
    end: float
    counters: Sequence[CounterRow] = ()
    timers: Sequence[SampleRow] = ()
    gauges: Sequence[SampleRow] = ()


class Decoded(NamedTuple):
    """What one frame held: batches, and how many frames or lines were refused, by reason."""

    batches: Sequence[Batch]
    refused: Counter[str]


encode = msgspec.msgpack.Encoder().encode
_decode_batch = msgspec.msgpack.Decoder(Batch).decode


def pack(samples: array[float]) -> bytes:
    """Return `samples` as little-endian float64s."""
    if byteorder == "big":
        samples = samples[:]
        samples.byteswap()
    return samples.tobytes()


def unpack(data: bytes) -> array[float]:
    """Return the samples of `pack`; raises ValueError where the length is no multiple of 8."""
    samples = array("d", data)
    if byteorder == "big":
        samples.byteswap()
    return samples


def decode(frame: bytes, now: float) -> Decoded:
    """Return the contents of `frame`, received at the Unix time `now`."""
    if not frame:
        return _refusal("empty")
    if frame[0] < 0x80:  # text starts with ASCII, an array does not
        return _decode_text(frame, now)
    if frame[0] != _BATCH_HEADER:
        return _refusal("malformed")
    if frame[1:2] != bytes([VERSION]):
        return _refusal("version")
    try:
        return Decoded((_decode_batch(frame),), Counter())
    except msgspec.DecodeError:
        return _refusal("malformed")
    except UnicodeDecodeError:
        return _refusal("encoding")


def _refusal(reason: str) -> Decoded:
    return Decoded((), Counter((reason,)))


def _decode_text(frame: bytes, now: float) -> Decoded:
    try:
        text = frame.decode()
    except UnicodeDecodeError:
        return _refusal("encoding")
    refused: Counter[str] = Counter()
    moments: dict[float, _Moment] = {}
    for line in filter(None, map(str.strip, text.split("\n"))):
        reason = _read_line(line, now, moments)
        if reason:
            refused[reason] += 1
    if not moments and not refused:
        return _refusal("empty")
    return Decoded([_batch_of(lines, when) for when, lines in moments.items()], refused)


_Identity = tuple[str, str, str | None]
_Moment = dict[tuple[str, _Identity], "array[float]"]


def _read_line(line: str, now: float, moments: dict[float, _Moment]) -> str | None:
    """Add the measurement of `line` to `moments`; return the reason where that can't be."""
    parts = line.split("|")
    if not _MIN_PARTS <= len(parts) <= _MAX_PARTS:
        return "fields"
    level, mtype, name, value = parts[:4]
    kind = mtype.lower()
    if kind not in (COUNTER, TIMER, GAUGE):
        return "mtype"
    number = _number(value)
    if number is None:
        return "value"
    when = _number(parts[4]) if len(parts) > 4 and parts[4] else now
    if when is None:
        return "timestamp"
    source = parts[5] if len(parts) == _MAX_PARTS and parts[5] else None
    identity = (name, level or "info", source)
    moments.setdefault(when, {}).setdefault((kind, identity), array("d")).append(number)
    return None


def _number(text: str) -> float | None:
    """Return the number that `text` is; Python's own extras (1_000, infinity) are none."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _batch_of(lines: _Moment, when: float) -> Batch:
    counters: list[CounterRow] = []
    samples: dict[str, list[SampleRow]] = {TIMER: [], GAUGE: []}
    for (kind, (name, level, source)), values in lines.items():
        if kind == COUNTER:
            counters.append(CounterRow(name, level, source, {}, len(values), sum(values)))
        else:
            samples[kind].append(SampleRow(name, level, source, {}, pack(values)))
    return Batch(VERSION, "text", 0, when, when, counters, samples[TIMER], samples[GAUGE])
