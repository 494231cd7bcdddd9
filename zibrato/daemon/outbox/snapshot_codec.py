"""Encodes snapshots and batches as compressed msgpack, and decodes them; pure, for threads.

A snapshot is encoded in pieces of some thousand series: msgspec holds the interpreter lock during a
call, and the reactor's thread needs the interpreter meanwhile.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from zibrato.daemon.aggregation.intervals import Content
from zibrato.lines import LineBatch
from zibrato.model import Series, Snapshot, Summary, SummaryRow
from zibrato.snapshot_parts import SnapshotPart, decode_part, summary_rows
from zibrato.summary_codec import encode as encode_summaries
from zibrato.summary_codec import to_distribution
from zibrato.wire import Batch, decode_batch, encode

PIECE = 2000
"""Series in a piece."""
PACKED_BYTES = 256 * 1024
"""Approximate bytes of frames that are packed together."""
_STORED, _FASTEST = 0, 1
_WORTH_IT = 0.75
"""The largest fraction that compression may leave to be worth its time. Samples hardly shrink, and
to compress them costs a third of what intakes cost."""
_MAP = 0x80
_SUMMARIES = b"\xc1"
"""A first byte that msgpack never uses."""


def pieces(snapshot: Snapshot) -> Iterator[bytes]:
    """Generate the bytes of a snapshot's series, piece by piece."""
    items = iter(snapshot.summaries.items())
    while part := list(islice(items, PIECE)):
        yield zlib.compress(encode_summaries(part), _FASTEST)


def snapshot_of(start: float, end: float, parts: Iterable[bytes]) -> Snapshot:
    """Return the snapshot that `pieces` encoded; raises ValueError if the parts are invalid."""
    summaries: dict[Series, Summary] = {}
    try:
        for part in parts:
            summaries.update(_decode(zlib.decompress(part)))
    except (zlib.error, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"not a snapshot: {error}") from None
    return Snapshot(start, end, summaries)


def pack_frames(frames: Sequence[bytes]) -> Iterator[bytes]:
    """Generate packed frames in pieces; stops compressing after a piece that hardly shrank."""
    step = 1 + PACKED_BYTES * len(frames) // (1 + sum(map(len, frames)))
    level = _FASTEST
    for start in range(0, len(frames), step):
        data = msgspec.msgpack.encode(frames[start : start + step])
        packed = zlib.compress(data, level)
        if len(packed) > _WORTH_IT * len(data):
            level = _STORED
        yield packed


def unpack_frames(data: bytes) -> list[bytes]:
    """Return the frames of a piece of `pack_frames`; raises ValueError if it is invalid."""
    try:
        return msgspec.msgpack.decode(zlib.decompress(data), type=list[bytes])
    except (zlib.error, msgspec.MsgspecError) as error:
        raise ValueError(f"not frames: {error}") from None


def frame_of(content: Content) -> bytes:
    """Encode what an interval received as a frame; except a batch, only `content_of` decodes it."""
    if isinstance(content, Batch):
        return encode(content)
    if isinstance(content, LineBatch):
        return msgspec.msgpack.encode(content)
    return _SUMMARIES + encode_summaries(list(content))


def content_of(frame: bytes) -> Content:
    """Decode a frame of `frame_of`; raises ValueError if it is invalid."""
    try:
        if frame[:1] == _SUMMARIES:
            return _decode_summaries(frame[1:])
        # A batch is an array in msgpack, a LineBatch is a map.
        is_map = frame[:1] and frame[0] & 0xF0 == _MAP
        return _decode_lines(frame) if is_map else _batch_of(frame)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"not a batch: {error}") from None


def _batch_of(frame: bytes) -> Content:
    """Decode a frame as a batch, or as a part of a snapshot, of which the rows are returned."""
    batch = decode_batch(frame)
    decoded = decode_part(frame) if batch == "version" else batch
    if isinstance(decoded, str):
        raise ValueError(f"not a batch: {decoded}")
    return summary_rows(decoded)[0] if isinstance(decoded, SnapshotPart) else decoded


_decode_summaries = msgspec.msgpack.Decoder(list[SummaryRow], dec_hook=to_distribution).decode
_decode_lines = msgspec.msgpack.Decoder(LineBatch).decode
_decode = msgspec.msgpack.Decoder(list[tuple[Series, Summary]], dec_hook=to_distribution).decode
