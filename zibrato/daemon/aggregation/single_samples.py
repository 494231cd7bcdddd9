"""Aggregates frames of a single timer sample, which small clients mostly send, without decoding.

To decode such a frame costs twice as much as everything else that is done with it. So a frame of
each row is decoded once an interval; after that the bytes of a frame tell its series.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import inf

from zibrato.daemon.aggregation.aggregator import Aggregator
from zibrato.daemon.aggregation.intervals import MAX_AGE
from zibrato.daemon.aggregation.samples import SAMPLE_BYTES
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.model import TIMER
from zibrato.wire import Batch, encode

MAX_SIZE = 256
"""The most bytes of a frame that is remembered."""
MAX_CLIENTS = 10_000

# In msgpack: [version, client, number, start, end, [], [[name, level, source, tags, sample]], []].
_CLIENT_AT = 2
_TIMES = struct.Struct(">BdBd")
"""Start and end of the batch, each after the byte that says it is a float."""
_SAMPLE = struct.Struct("<dB")
"""The end of the frame: the sample, and the byte that says there are no gauges."""
_FLOAT, _NO_GAUGES = 0xCB, 0x90
_NEVER = MAX_SIZE
_CLIENT_ENDS = (*[_NEVER] * 0xA1, *range(_CLIENT_AT + 2, _CLIENT_AT + 33), *[_NEVER] * 0x40)
"""The offset at which the client's name ends, by its first byte; 1 to 31 bytes follow that."""
_NUMBER_SIZES = (*[1] * 0x80, *[_NEVER] * 0x4C, 2, 3, 5, *[_NEVER] * 0x31)
"""The number of bytes of a batch's sequence number, by its first byte."""


class SingleSamples:
    """Aggregates frames that differ from a decoded one only in sequence number, times and sample.

    The decoded frame must be of the same interval. The bytes that have to be equal are looked up:
    those up to the end of the client's name, and those between the times and the sample. The
    values that may differ are checked as they are when a frame is decoded.
    """

    def __init__(self, aggregator: Aggregator, metrics: SelfMetrics) -> None:
        self._aggregator = aggregator
        self._metrics = metrics
        self._clients: set[bytes] = set()

    def take(self, frames: Sequence[bytes], now: float) -> tuple[list[bytes], Sequence[bytes]]:
        """Aggregate the frames that can be, at the Unix time `now`; return these and the others."""
        _, begun, over, interval = self._aggregator.span
        is_near = now - MAX_AGE <= begun and over <= now + self._aggregator.interval
        if not self._clients or not is_near:
            return [], frames
        taken: list[bytes] = []
        others: list[bytes] = []
        clients, place, ends, sizes = self._clients, interval.rows.get, _CLIENT_ENDS, _NUMBER_SIZES
        read_times, times_size = _TIMES.unpack_from, _TIMES.size
        read_sample, sample_size = _SAMPLE.unpack_from, _SAMPLE.size
        for frame in frames:
            try:
                at = ends[frame[_CLIENT_AT]]
                if frame[:at] in clients:
                    at += sizes[frame[at]]
                    start_type, start, end_type, end = read_times(frame, at)
                    sample, gauges = read_sample(frame, len(frame) - sample_size)
                    entry = place(frame[at + times_size : -sample_size])
                    if (
                        entry is not None
                        and begun <= start <= end < over
                        and 0 <= sample < inf
                        and start_type == end_type == _FLOAT
                        and gauges == _NO_GAUGES
                    ):
                        entry.add_one(sample)
                        taken.append(frame)
                        continue
            except Exception:  # noqa: S110 - it ends too early, or has met a bug: decoding will tell
                pass
            others.append(frame)
        self._metrics.received(len(taken))
        return taken, others

    def remember(self, frame: bytes, batch: Batch) -> None:
        """Let `take` aggregate frames like `frame`, if its `batch` has only one sample."""
        if len(frame) > MAX_SIZE or len(batch.timers) != 1 or batch.acknowledged is not None:
            return
        (row,) = batch.timers
        _, begun, over, interval = self._aggregator.span
        if len(row.samples) != SAMPLE_BYTES or not begun <= batch.start <= batch.end < over:
            return
        entry = interval.rows.get((TIMER, row.name, row.level, row.source, tuple(row.tags.items())))
        end = _CLIENT_ENDS[frame[_CLIENT_AT]]
        times = end + _NUMBER_SIZES[frame[end]] if end < len(frame) else _NEVER
        if entry is None or times >= len(frame) or batch.counters or batch.gauges:
            return
        if frame != encode(batch):  # another encoding, in which the offsets may differ
            return
        interval.remember(frame[times + _TIMES.size : -_SAMPLE.size], entry)
        if len(self._clients) >= MAX_CLIENTS:
            self._clients.clear()
        self._clients.add(frame[:end])
