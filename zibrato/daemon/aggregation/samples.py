"""Unpacks the samples of rows, and sorts out values that aren't finite, or negative in timers."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import inf, isfinite
from struct import Struct

from zibrato.daemon.aggregation.digest import are_timings
from zibrato.model import TIMER
from zibrato.wire import SampleRow, unpack

SAMPLE_BYTES = 8
unpack_sample = Struct("<d").unpack


def are_sound(rows: Sequence[SampleRow]) -> bool:
    """Return whether all samples of these timers are known to be valid, by one check for all.

    The check pays only for many samples; for fewer, the result is False.
    """
    parts = [row.samples for row in rows]
    data = b"".join(parts)
    if len(data) % SAMPLE_BYTES or not are_timings(data):
        return False
    return not any(len(part) % SAMPLE_BYTES for part in parts)


def good_samples(kind: str, data: bytes) -> tuple[array[float], int]:
    """Return the valid samples, and the number of invalid ones.

    Raises ValueError if the bytes are not packed floats.
    """
    samples = unpack(data)
    if kind == TIMER and are_timings(data):
        return samples, 0
    if not samples or (isfinite(sum(samples)) and (kind != TIMER or min(samples) >= 0)):
        return samples, 0
    low = 0.0 if kind == TIMER else -inf
    good = array("d", [sample for sample in samples if low <= sample < inf and sample > -inf])
    return good, len(samples) - len(good)  # 0 invalid if only their sum exceeded a float
