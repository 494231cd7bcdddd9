"""Snapshots and batches to bytes and back: pure, for threads; as msgpack, compressed.

They go in pieces of some thousand series: msgspec keeps the interpreter to itself for as long as a
call takes, and the reactor's thread needs it meanwhile.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from zibrato.daemon.intervals import Taken
from zibrato.lines import LineBatch
from zibrato.model import Series, Snapshot, Summary, SummaryRow
from zibrato.snapshot_parts import SnapshotPart, decode_part, summary_rows
from zibrato.summary_codec import encode as encode_summaries
from zibrato.summary_codec import to_distribution
from zibrato.wire import Batch, decode_batch, encode

PIECE = 2000
"""Series in a piece."""
PACKED_BYTES = 256 * 1024
"""About how many bytes of frames are packed together."""
_STORED, _FASTEST = 0, 1
_WORTH_IT = 0.75
"""What compression may leave: of samples it leaves nearly all, for a third of what intakes cost."""
_MAP = 0x80
_SUMMARIES = b"\xc1"
"""A byte with which nothing in msgpack begins."""


def pieces(snapshot: Snapshot) -> Iterator[bytes]:
    """Generate the bytes of a snapshot's series, piece by piece."""
    items = iter(snapshot.summaries.items())
    while part := list(islice(items, PIECE)):
        yield zlib.compress(encode_summaries(part), _FASTEST)


def snapshot_of(start: float, end: float, parts: Iterable[bytes]) -> Snapshot:
    """Return the snapshot of `pieces`; raises ValueError for what is none."""
    summaries: dict[Series, Summary] = {}
    try:
        for part in parts:
            summaries.update(_decode(zlib.decompress(part)))
    except (zlib.error, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"no snapshot: {error}") from None
    return Snapshot(start, end, summaries)


def pack_frames(frames: Sequence[bytes]) -> Iterator[bytes]:
    """Generate frames packed, piece by piece; none is compressed after one that was in vain."""
    step = 1 + PACKED_BYTES * len(frames) // (1 + sum(map(len, frames)))
    level = _FASTEST
    for start in range(0, len(frames), step):
        data = msgspec.msgpack.encode(frames[start : start + step])
        packed = zlib.compress(data, level)
        if len(packed) > _WORTH_IT * len(data):
            level = _STORED
        yield packed


def unpack_frames(data: bytes) -> list[bytes]:
    """Return the frames of a piece of `pack_frames`; raises ValueError for what is none."""
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
    return _SUMMARIES + encode_summaries(list(taken))


def taken_of(frame: bytes) -> Taken:
    """Return what `frame_of` made a frame of; raises ValueError for what is none."""
    try:
        if frame[:1] == _SUMMARIES:
            return _decode_summaries(frame[1:])
        # A batch is an array in msgpack, what lines said a map.
        is_map = frame[:1] and frame[0] & 0xF0 == _MAP
        return _decode_lines(frame) if is_map else _batch_of(frame)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"no batch: {error}") from None


def _batch_of(frame: bytes) -> Taken:
    """Return the batch that a frame is, or the rows of the part of a snapshot that it is."""
    batch = decode_batch(frame)
    taken = decode_part(frame) if batch == "version" else batch
    if isinstance(taken, str):
        raise ValueError(f"no batch: {taken}")
    return summary_rows(taken)[0] if isinstance(taken, SnapshotPart) else taken


_decode_summaries = msgspec.msgpack.Decoder(list[SummaryRow], dec_hook=to_distribution).decode
_decode_lines = msgspec.msgpack.Decoder(LineBatch).decode
_decode = msgspec.msgpack.Decoder(list[tuple[Series, Summary]], dec_hook=to_distribution).decode
