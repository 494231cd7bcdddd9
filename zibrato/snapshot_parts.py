"""Private: encodes and decodes the parts of snapshots that one daemon ships to another; pure.

docs/reference/protocol.rst specifies the format. Malformed input never raises. Rows are checked as
strictly as those of clients, since they are trusted as much.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf, isfinite
from typing import Annotated, NamedTuple

import msgspec

from zibrato.distribution import MAX_BUCKETS, MAX_EXACT_SAMPLES, Distribution, bucket_of
from zibrato.model import COUNTER, GAUGE, MAX_COUNT, TIMER, Series, Summary, SummaryRow
from zibrato.summary_codec import packed_buckets, to_distribution
from zibrato.wire import MAX_CLIENT, MAX_SEQUENCE, pack, unpack, version_of

__all__ = [
    "MAX_PART",
    "VERSION",
    "EncodedRow",
    "SnapshotPart",
    "decode_part",
    "encode_part",
    "encode_rows",
    "summary_rows",
]

VERSION = 2
"""The version with which such a frame begins, instead of that of a batch."""
MAX_PART = 512 * 1024
"""The most bytes of a frame, which is aggregated in one step; a daemon sends at most half of it."""
_SAMPLE_BYTES = 8
_LOWEST, _HIGHEST = bucket_of(5e-324), 64 * 1024
"""The indices between which the buckets of all positive float64s are."""
_KINDS = (COUNTER, TIMER, GAUGE)


# Without `gc`: no row can be in a cycle, so the garbage collector needn't go through them.
class _Row(msgspec.Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True):
    """The fields that every row begins with: the series, and count and sum of measurements."""

    name: str
    level: str
    source: str | None
    tags: dict[str, str]
    count: int
    sum: float


class _ReadingRow(_Row, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True):
    """The further fields of a gauge, and of a timer except its distribution."""

    min: float
    max: float
    sum_squares: float
    last: float


class _Buckets(msgspec.Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True):
    """The number of samples that are 0, and the number in each bucket."""

    zeros: int
    indices: list[int]
    counts: list[int]


class _TimerRow(_ReadingRow, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True):
    """A timer; its distribution has exact durations in seconds, or buckets of them."""

    distribution: bytes | _Buckets


class SnapshotPart(
    msgspec.Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True
):
    """Some series of the interval between the Unix times `start` and `end`, in seconds.

    A receiver must accept each part only once, and only if it has accepted everything of this
    `client` up to the number `after`.
    """

    version: int
    client: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CLIENT)]
    sequence: Annotated[int, msgspec.Meta(ge=1, le=MAX_SEQUENCE)]
    after: Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQUENCE)]
    start: float
    end: float
    counters: Sequence[_Row] = ()
    timers: Sequence[_TimerRow] = ()
    gauges: Sequence[_ReadingRow] = ()

    @property
    def when(self) -> float:
        """The time that decides to which of the receiver's intervals the part belongs."""
        return (self.start + self.end) / 2 if self.start <= self.end else self.end


class EncodedRow(NamedTuple):
    """A row in msgpack, with its kind and its number of measurements."""

    kind: str
    data: bytes
    measurements: int


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(SnapshotPart).decode


def encode_rows(summaries: Mapping[Series, Summary]) -> Iterator[EncodedRow]:
    """Generate a row for each series; `data` is empty if the receiver would reject the row."""
    for series, summary in summaries.items():
        row = _row(series, summary)
        data = b"" if _reason(series.kind, row) else _encode(row)
        yield EncodedRow(series.kind, data, summary.count)


def encode_part(
    client: str, sequence: int, after: int, times: tuple[float, float], rows: Iterable[EncodedRow]
) -> bytes:
    """Return the frame of a part with encoded rows; `times` are the interval's start and end."""
    lists: dict[str, list[msgspec.Raw]] = {kind: [] for kind in _KINDS}
    for row in rows:
        lists[row.kind].append(msgspec.Raw(row.data))
    return _encode([VERSION, client, sequence, after, *times, *lists.values()])


def decode_part(frame: bytes) -> SnapshotPart | str:
    """Return the part in a frame, or the reason of one word why the frame is invalid."""
    if len(frame) > MAX_PART:
        return "size"
    try:
        part = _decode(frame)
    except UnicodeDecodeError:
        return "encoding"
    except (msgspec.DecodeError, RecursionError):
        return "malformed" if version_of(frame) in {None, VERSION} else "version"
    return part if part.version == VERSION else "version"


def summary_rows(part: SnapshotPart) -> tuple[list[SummaryRow], Counter[str]]:
    """Return the valid rows of a part, and the numbers of rejected measurements by reason."""
    rows: list[SummaryRow] = []
    rejected: Counter[str] = Counter()
    when = part.when
    for kind, some in zip(_KINDS, (part.counters, part.timers, part.gauges), strict=True):
        for row in some:
            reason = _reason(kind, row)
            if reason:
                rejected[reason] += row.count if 0 < row.count <= MAX_COUNT else 1
            else:
                rows.append(
                    SummaryRow(kind, row.name, row.level, row.source, row.tags, when, _summary(row))
                )
    return rows, rejected


def _row(series: Series, summary: Summary) -> _Row:
    identity = (series.name, series.level, series.source, dict(series.tags))
    sums = (summary.count, summary.sum)
    if series.kind == COUNTER:
        return _Row(*identity, *sums)
    readings = (summary.min, summary.max, summary.sum_squares, summary.last)
    if summary.distribution is None:
        return _ReadingRow(*identity, *sums, *readings)
    return _TimerRow(*identity, *sums, *readings, _packed(summary.distribution))


def _packed(distribution: Distribution) -> bytes | _Buckets:
    if distribution.samples is not None:
        return pack(distribution.samples)
    return _Buckets(*packed_buckets(distribution))


def _summary(row: _Row) -> Summary:
    if not isinstance(row, _ReadingRow):
        return Summary(row.count, row.sum)
    distribution = _distribution(row) if isinstance(row, _TimerRow) else None
    return Summary(
        row.count, row.sum, row.min, row.max, row.sum_squares, row.last, distribution
    )  # fmt: skip


def _distribution(row: _TimerRow) -> Distribution:
    packed = row.distribution
    if isinstance(packed, bytes):
        return to_distribution(Distribution, packed)
    buckets = dict(zip(packed.indices, packed.counts, strict=True))
    return Distribution.of_buckets(buckets, packed.zeros, row.min, row.max)


def _reason(kind: str, row: _Row) -> str | None:
    """Return the reason of one word for which a row is rejected; None if it is valid."""
    if not 0 < row.count <= MAX_COUNT:
        return "count"
    if not isfinite(row.sum):
        return "value"
    if isinstance(row, _ReadingRow) and not _are_readings(kind, row):
        return "value"
    if kind == TIMER and not (isinstance(row, _TimerRow) and _are_samples(row)):
        return "samples"
    return None


def _are_readings(kind: str, row: _ReadingRow) -> bool:
    lowest = 0.0 if kind == TIMER else -inf
    is_finite = isfinite(row.sum_squares) and isfinite(row.max) and isfinite(row.last)
    least = min(row.min, row.last, row.sum)
    return is_finite and row.sum_squares >= 0 and -inf < least >= lowest and row.min <= row.max


def _are_samples(row: _TimerRow) -> bool:
    """Return whether a distribution is valid, and has as many samples as its row says."""
    packed = row.distribution
    if isinstance(packed, bytes):
        if len(packed) != row.count * _SAMPLE_BYTES or row.count > MAX_EXACT_SAMPLES:
            return False
        samples = unpack(packed)
        if isfinite(sum(samples)):  # then none of them is NaN, which min and max can't handle
            return row.min <= min(samples) and max(samples) <= row.max
        return all(row.min <= sample <= row.max for sample in samples)
    indices, counts = packed.indices, packed.counts
    if len(indices) != len(counts) or len(indices) > MAX_BUCKETS:
        return False
    if not 0 <= packed.zeros <= MAX_COUNT or len({*indices}) < len(indices):
        return False
    if counts and not 1 <= min(counts) <= max(counts) <= MAX_COUNT:
        return False
    if indices and not _LOWEST <= min(indices) <= max(indices) <= _HIGHEST:
        return False
    return min(packed.zeros + sum(counts), MAX_COUNT) == row.count
