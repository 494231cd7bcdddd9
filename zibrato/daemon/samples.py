"""The samples of rows, from bytes to floats of which all are finite, a timer's at least 0."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import inf, isfinite
from struct import Struct

from zibrato.daemon.digest import are_timings
from zibrato.model import TIMER
from zibrato.wire import SampleRow, unpack

SAMPLE_BYTES = 8
unpack_sample = Struct("<d").unpack


def are_sound(rows: Sequence[SampleRow]) -> bool:
    """Return whether all samples of timers are known to be good, by one look for all together.

    That pays for many samples in several rows; of others nothing is known.
    """
    parts = [row.samples for row in rows]
    data = b"".join(parts)
    if len(data) % SAMPLE_BYTES or not are_timings(data):
        return False
    return not any(len(part) % SAMPLE_BYTES for part in parts)


def good_samples(kind: str, data: bytes) -> tuple[array[float], int]:
    """Return the good samples, and how many others there are.

    Raises ValueError where the bytes are not those of floats.
    """
    samples = unpack(data)
    if kind == TIMER and are_timings(data):
        return samples, 0
    if not samples or (isfinite(sum(samples)) and (kind != TIMER or min(samples) >= 0)):
        return samples, 0
    low = 0.0 if kind == TIMER else -inf
    good = array("d", [sample for sample in samples if low <= sample < inf and sample > -inf])
    return good, len(samples) - len(good)  # none where their sum alone was beyond a float
