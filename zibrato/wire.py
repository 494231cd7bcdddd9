"""Encodes and decodes what clients send: batches as msgpack, and text lines; pure.

docs/reference/protocol.rst specifies the formats. Decoding returns batches and reasons for
rejection; malformed input never raises.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from math import isfinite
from sys import byteorder
from types import MappingProxyType
from typing import Annotated, NamedTuple

import msgspec

from zibrato.model import COUNTER, KINDS, TIMER, bounded

__all__ = [
    "MAX_CLIENT",
    "MAX_FRAME",
    "MAX_SEQUENCE",
    "VERSION",
    "Acknowledgement",
    "Batch",
    "CounterRow",
    "Decoded",
    "SampleRow",
    "decode",
    "decode_acknowledgement",
    "decode_text",
    "encode",
    "encode_acknowledgement",
    "pack",
    "unpack",
    "version_of",
]

VERSION = 1
MAX_FRAME = 512 * 1024
"""Bytes. The lower the bound, the more frames ZeroMQ may queue in the same memory."""
MAX_CLIENT = 255
MAX_SEQUENCE = 2**63 - 1
"""The highest number of a batch: the largest integer of SQLite, to which numbers are committed."""
_MIN_FIELDS = 4
_MAX_FIELDS = 6
_BLANK = " \t\r\v\f"
_NUMERIC = frozenset("0123456789+-.eE" + _BLANK)


# Without `gc`: no row can be in a cycle, so the garbage collector needn't go through them.
class CounterRow(
    msgspec.Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True
):
    """`count` increments of a counter; `sum` is their sum."""

    name: str
    level: str
    source: str | None
    tags: dict[str, str]
    count: int
    sum: float


class SampleRow(msgspec.Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True):
    """A timer's durations in seconds, or a gauge's readings in order, as little-endian float64s."""

    name: str
    level: str
    source: str | None
    tags: dict[str, str]
    samples: bytes


class Batch(msgspec.Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True):
    """What one client recorded between the Unix times `start` and `end`, in seconds.

    `acknowledged` is the number up to which the client won't send batches again: it knows that
    they are committed, or has given them up. It is None if the client doesn't ask for
    acknowledgements.
    """

    version: int
    client: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CLIENT)]
    sequence: Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQUENCE)]
    start: float
    end: float
    counters: Sequence[CounterRow] = ()
    timers: Sequence[SampleRow] = ()
    gauges: Sequence[SampleRow] = ()
    acknowledged: Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQUENCE)] | None = None


class Acknowledgement(msgspec.Struct, array_like=True, frozen=True):
    """A daemon's message to a client that says up to which number its batches are committed.

    `instance` differs for each start of a daemon. `committed` is None if the daemon doesn't know
    the client. `wanted` is the number of the next batch that the daemon accepts, if batches are
    missing or the client has just subscribed; otherwise None.
    """

    version: int
    instance: str
    committed: int | None
    wanted: int | None


class _Head(msgspec.Struct, array_like=True):
    """The field with which a batch of any version starts."""

    version: int


class Decoded(NamedTuple):
    """The decoded content of a frame: batches, and numbers of rejected frames or lines."""

    batches: Sequence[Batch]
    rejected: Mapping[str, int]
    """By reason."""


# Shared by all valid frames, which are most of them, and therefore read-only.
_NOTHING_REJECTED = MappingProxyType(Counter[str]())
_encode = msgspec.msgpack.Encoder().encode
_decode_batch = msgspec.msgpack.Decoder(Batch).decode
_decode_acknowledgement = msgspec.msgpack.Decoder(Acknowledgement).decode
_decode_head = msgspec.msgpack.Decoder(_Head).decode


def encode(batch: Batch) -> bytes:
    """Return the frame of `batch`."""
    values = msgspec.structs.astuple(batch)
    return _encode(values[:-1] if batch.acknowledged is None else values)


def encode_acknowledgement(acknowledgement: Acknowledgement) -> bytes:
    """Return the frame of `acknowledgement`."""
    return _encode(acknowledgement)


def pack(samples: array[float]) -> bytes:
    """Return `samples` as little-endian float64s."""
    if byteorder == "big":
        samples = samples[:]
        samples.byteswap()
    return samples.tobytes()


def unpack(data: bytes) -> array[float]:
    """Return the samples that `pack` packed; raises ValueError for a length not divisible by 8."""
    samples = array("d", data)
    if byteorder == "big":
        samples.byteswap()
    return samples


def decode_acknowledgement(frame: bytes) -> Acknowledgement | None:
    """Return the acknowledgement in a frame; None if the frame is invalid."""
    try:
        acknowledgement = _decode_acknowledgement(frame)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return acknowledgement if acknowledgement.version == VERSION else None


def decode(frame: bytes, now: float) -> Decoded:
    """Return the contents of `frame`, received at the Unix time `now`."""
    if frame[:1] < b"\x80" and 0 < len(frame) <= MAX_FRAME:  # text starts with ASCII
        return decode_text(frame, now)
    batch = decode_batch(frame)
    return _rejection(batch) if isinstance(batch, str) else Decoded((batch,), _NOTHING_REJECTED)


def decode_batch(frame: bytes) -> Batch | str:
    """Return the batch in a frame, or the reason of one word why it is invalid; not for text."""
    if len(frame) > MAX_FRAME:
        return "size"
    try:
        batch = _decode_batch(frame)
    except UnicodeDecodeError:
        return "encoding"
    except (msgspec.DecodeError, RecursionError):
        if not frame or frame.isspace():
            return "empty"
        return "malformed" if version_of(frame) in {None, VERSION} else "version"
    return batch if batch.version == VERSION else "version"


def _rejection(reason: str) -> Decoded:
    return Decoded((), Counter((reason,)))


def version_of(frame: bytes) -> int | None:
    """Return the version number that `frame` starts with; None if it has none."""
    try:
        return _decode_head(frame).version
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


_Fields = tuple[str, ...]


def decode_text(frame: bytes, now: float) -> Decoded:
    """Return the contents of a frame of text lines."""
    try:
        text = frame.decode()
    except UnicodeDecodeError:
        return _rejection("encoding")
    rejected: defaultdict[str, int] = defaultdict(int)
    values: dict[_Fields, list[float]] = defaultdict(list)
    for line in text.split("\n"):
        reason = _read_line(line, values)
        if reason:
            rejected[reason] += 1
    if not values and not rejected:
        return _rejection("empty")
    batches = _batches(values, now, rejected)
    return Decoded(batches, Counter(rejected) if rejected else _NOTHING_REJECTED)


def _read_line(line: str, values: dict[_Fields, list[float]]) -> str | None:
    """Add the value of `line` to the values with equal other fields; return a reason if invalid."""
    fields = line.split("|")
    if not _MIN_FIELDS <= len(fields) <= _MAX_FIELDS:
        return "fields" if line.strip(_BLANK) else None
    number = _number(fields.pop(3))
    if number is None:
        return "value"
    values[tuple(fields)].append(number)
    return None


def _number(text: str) -> float | None:
    """Return the finite number in `text`; None for none, and for extras of Python (1_000, nan)."""
    try:
        number = float(text) if _NUMERIC.issuperset(text) else None
    except ValueError:
        return None
    return number if number is not None and isfinite(number) else None


class _Rows(NamedTuple):
    """The rows of one batch of lines."""

    counters: list[CounterRow]
    timers: list[SampleRow]
    gauges: list[SampleRow]


_Identity = tuple[str, str, str | None]
"""Name, level and source of a row; text lines have no tags."""


def _batches(
    values: dict[_Fields, list[float]], now: float, rejected: dict[str, int]
) -> list[Batch]:
    """Return a batch for each time that lines name; count invalid lines in `rejected`.

    Lines that spell one series in several ways share a row, so that their sum is bounded.
    """
    moments: dict[float, dict[tuple[str, _Identity], list[float]]] = {}
    for fields, numbers in values.items():
        level, mtype, name, stamp, source, *_ = (*[field.strip(_BLANK) for field in fields], "", "")
        kind = mtype.lower()
        when = _number(stamp) if stamp else now
        if kind not in KINDS:
            rejected["mtype"] += len(numbers)
        elif when is None:
            rejected["timestamp"] += len(numbers)
        else:
            series = moments.setdefault(when, {})
            place = (kind, (name, level or "info", source or None))
            series[place] = series[place] + numbers if place in series else numbers
    return [Batch(VERSION, "text", 0, when, when, *_rows(moments[when])) for when in moments]


def _rows(series: Mapping[tuple[str, _Identity], list[float]]) -> _Rows:
    rows = _Rows([], [], [])
    for (kind, identity), numbers in series.items():
        _append(rows, kind, (*identity, {}), numbers)
    return rows


def _append(
    rows: _Rows,
    kind: str,
    identity: tuple[str, str, str | None, dict[str, str]],
    numbers: list[float],
) -> None:
    if kind == COUNTER:
        rows.counters.append(CounterRow(*identity, len(numbers), bounded(sum(numbers))))
    else:
        samples = SampleRow(*identity, pack(array("d", numbers)))
        (rows.timers if kind == TIMER else rows.gauges).append(samples)
