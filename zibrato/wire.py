"""Encodes and decodes batches, which clients send, and acknowledgements, as msgpack; pure.

docs/reference/protocol.rst specifies the format. Malformed input never raises.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from sys import byteorder
from typing import Annotated

import msgspec

__all__ = [
    "MAX_CLIENT",
    "MAX_FRAME",
    "MAX_SEQUENCE",
    "VERSION",
    "Acknowledgement",
    "Batch",
    "CounterRow",
    "SampleRow",
    "decode_acknowledgement",
    "decode_batch",
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


def version_of(frame: bytes) -> int | None:
    """Return the version number that `frame` starts with; None if it has none."""
    try:
        return _decode_head(frame).version
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
