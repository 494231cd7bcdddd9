"""Snapshots and batches to bytes and back: pure, for threads; as msgpack, compressed.

They go in pieces of some thousand series: msgspec keeps the interpreter to itself for as long as a
call takes, and the reactor's thread needs it meanwhile.
"""

from __future__ import annotations

import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from zibrato.daemon.intervals import Taken
from zibrato.distribution import Distribution
from zibrato.lines import LineBatch
from zibrato.model import MAX_COUNT, Series, Snapshot, Summary, SummaryRow
from zibrato.wire import Batch, encode, pack, unpack

PIECE = 2000
"""Series in a piece."""
_FASTEST = 1
_MAP = 0x80
_SUMMARIES = b"\xc1"
"""A byte with which nothing in msgpack begins."""
_Buckets = tuple[float, float, int, list[int], list[int]]


def pieces(snapshot: Snapshot) -> Iterator[bytes]:
    """Generate the bytes of a snapshot's series, piece by piece."""
    items = iter(snapshot.summaries.items())
    while part := list(islice(items, PIECE)):
        yield zlib.compress(_encode(part), _FASTEST)


def snapshot_of(start: float, end: float, parts: Iterable[bytes]) -> Snapshot:
    """Return the snapshot of `pieces`; raises ValueError for what is none."""
    summaries: dict[Series, Summary] = {}
    try:
        for part in parts:
            summaries.update(_decode(zlib.decompress(part)))
    except (zlib.error, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"no snapshot: {error}") from None
    return Snapshot(start, end, summaries)


def pack_frames(frames: Iterable[bytes]) -> bytes:
    """Return frames as one."""
    return zlib.compress(msgspec.msgpack.encode(list(frames)), _FASTEST)


def unpack_frames(data: bytes) -> list[bytes]:
    """Return the frames of `pack_frames`; raises ValueError for what is none."""
    try:
        return msgspec.msgpack.decode(zlib.decompress(data), type=list[bytes])
    except (zlib.error, msgspec.MsgspecError) as error:
        raise ValueError(f"no frames: {error}") from None


def frame_of(taken: Taken) -> bytes:
    """Return what an interval took in as a frame; but for a batch only `taken_of` knows it."""
    if isinstance(taken, Batch):
        return encode(taken)
    if isinstance(taken, LineBatch):
        return msgspec.msgpack.encode(taken)
    return _SUMMARIES + _encode(list(taken))


def taken_of(frame: bytes) -> Taken:
    """Return what `frame_of` made a frame of; raises ValueError for what is none."""
    try:
        if frame[:1] == _SUMMARIES:
            return _decode_summaries(frame[1:])
        # A batch is an array in msgpack, what lines said a map.
        is_map = frame[:1] and frame[0] & 0xF0 == _MAP
        return _decode_lines(frame) if is_map else _decode_batch(frame)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"no batch: {error}") from None


def _to_plain(value: object) -> object:
    """Return what msgpack has for a distribution: its samples as they are, or its buckets."""
    if not isinstance(value, Distribution):
        raise NotImplementedError(f"no part of a snapshot: {type(value).__name__}")
    if value.samples is not None:
        return pack(value.samples)
    buckets = value.buckets
    counts = [min(count, MAX_COUNT) for count in buckets.values()]
    return value.low, value.high, min(value.zeros, MAX_COUNT), list(buckets), counts


def _to_distribution(_kind: type, value: object) -> Distribution:
    if isinstance(value, bytes):
        return _exact(unpack(value))
    result = Distribution()
    low, high, zeros, indices, counts = msgspec.convert(value, _Buckets)
    result.samples = None
    result.low, result.high, result.zeros = low, high, zeros
    result.buckets = Counter(dict(zip(indices, counts, strict=True)))
    return result


def _exact(samples: array[float]) -> Distribution:
    """Return a distribution that has the samples as they are, also where they were buckets once."""
    result = Distribution()
    if samples:
        result.samples = samples
        result.low, result.high = min(samples), max(samples)
    return result


_decode_summaries = msgspec.msgpack.Decoder(list[SummaryRow], dec_hook=_to_distribution).decode
_decode_lines = msgspec.msgpack.Decoder(LineBatch).decode
_decode_batch = msgspec.msgpack.Decoder(Batch).decode
_encode = msgspec.msgpack.Encoder(enc_hook=_to_plain).encode
_decode = msgspec.msgpack.Decoder(list[tuple[Series, Summary]], dec_hook=_to_distribution).decode
