"""Frames of one sample of a timer, taken in without being decoded: what small clients send most.

To make a batch of one costs twice as much as all else that is done with it. So that is done once an
interval for each row; from then on the bytes of a frame tell which series it is of.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import inf

from zibrato.daemon.aggregation import Aggregator
from zibrato.daemon.intervals import MAX_AGE
from zibrato.daemon.samples import SAMPLE_BYTES
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.model import TIMER
from zibrato.wire import Batch, encode

MAX_SIZE = 256
"""Bytes of a frame that is remembered."""
MAX_CLIENTS = 10_000

# In msgpack: [version, client, number, start, end, [], [[name, level, source, tags, sample]], []].
_CLIENT_AT = 2
_TIMES = struct.Struct(">BdBd")
"""Start and end, before each that it is a float."""
_SAMPLE = struct.Struct("<dB")
"""The sample, after it that there are no gauges: the end of the frame."""
_FLOAT, _NO_GAUGES = 0xCB, 0x90
_NEVER = MAX_SIZE
_CLIENT_ENDS = (*[_NEVER] * 0xA1, *range(_CLIENT_AT + 2, _CLIENT_AT + 33), *[_NEVER] * 0x40)
"""Where a client ends, by its first byte: it has 1 to 31 more."""
_NUMBER_SIZES = (*[1] * 0x80, *[_NEVER] * 0x4C, 2, 3, 5, *[_NEVER] * 0x31)
"""How many bytes a batch's number has, by its first."""


class SingleSamples:
    """Takes in frames that differ from one of the same interval in number, times and sample alone.

    What is the same is looked up: the bytes up to the client's end, and those between the times and
    the sample. What may differ is checked here as elsewhere.
    """

    def __init__(self, aggregator: Aggregator, metrics: SelfMetrics) -> None:
        self._aggregator = aggregator
        self._metrics = metrics
        self._clients: set[bytes] = set()

    def take(self, frames: Sequence[bytes], now: float) -> tuple[list[bytes], Sequence[bytes]]:
        """Take in what can be at the Unix time `now`; return that, and what is to be decoded."""
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
            except (IndexError, struct.error):  # it ends too early
                pass
            others.append(frame)
        self._metrics.received(len(taken))
        return taken, others

    def remember(self, frame: bytes, batch: Batch) -> None:
        """Have frames like `frame` taken in, which `batch` was, if that is of one sample alone."""
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
        if frame != encode(batch):  # as it needn't be, and something else is in these places then
            return
        interval.remember(frame[times + _TIMES.size : -_SAMPLE.size], entry)
        if len(self._clients) >= MAX_CLIENTS:
            self._clients.clear()
        self._clients.add(frame[:end])
