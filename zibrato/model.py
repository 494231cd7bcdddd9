"""The data model of the daemon: series, summaries, snapshots and annotations."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import chain
from math import isnan
from typing import NamedTuple

import msgspec

from zibrato.distribution import MAX_COUNT, Distribution

__all__ = [
    "COUNTER",
    "GAUGE",
    "KINDS",
    "MAX_COUNT",
    "MAX_EXACT_INT",
    "MAX_NAME_LENGTH",
    "MAX_TAGS",
    "SET",
    "TIMER",
    "Annotation",
    "Identity",
    "Series",
    "Snapshot",
    "Summary",
    "SummaryRow",
    "Tags",
    "bounded",
]

COUNTER = "counter"
TIMER = "timer"
GAUGE = "gauge"
KINDS = (COUNTER, TIMER, GAUGE)
SET = "set"
"""The kind of a statsd set in an open interval; in a snapshot the set is a gauge."""

MAX_NAME_LENGTH = 255
"""Characters of a metric's name, of a source, and of a tag's name or value."""
MAX_TAGS = 50
"""Tags of a measurement."""
MAX_EXACT_INT = 2**53
"""Up to this number a float64 can represent every integer, so that sums of counts are exact."""

WEIGHT_BYTES = 4096
"""Bytes of memory of tags for which a series counts as one more."""

Tags = tuple[tuple[str, str], ...]
_MOST = sys.float_info.max


def bounded(value: float) -> float:
    """Return the finite number nearest to `value`, since JSON has no infinity; not for NaN."""
    return value if -_MOST <= value <= _MOST else min(max(value, -_MOST), _MOST)


class Series(NamedTuple):
    """The identity of what is measured; `tags` are pairs sorted by name."""

    kind: str
    name: str
    source: str
    tags: Tags = ()
    level: str = "info"

    @property
    def weight(self) -> int:
        """As how many series it counts where their number is bounded: with many tags, as several.

        Otherwise fifty long tags would take a hundred times the memory that the bound stands for.
        """
        if not self.tags:
            return 1
        texts = sum(map(sys.getsizeof, chain.from_iterable(self.tags)))
        return 1 + (texts + len(self.tags) * _TAG_BYTES) // WEIGHT_BYTES


# Without `gc`: no summary can be in a cycle, and an interval may have 100,000 new ones.
class Summary(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One series over one interval.

    A counter has only `count` (increments) and `sum`; its other fields are 0. A timer is in seconds
    and has a `distribution`. `last` is a gauge's newest reading. All values are finite, except that
    `sum_squares` and `last` are NaN if a client of the store left them out.
    """

    count: int
    sum: float
    min: float = 0.0
    max: float = 0.0
    sum_squares: float = 0.0
    last: float = 0.0
    distribution: Distribution | None = None

    @property
    def reading(self) -> float:
        """The newest reading, or the mean if it is unknown."""
        return self.sum / self.count if isnan(self.last) else self.last

    @property
    def size(self) -> int:
        """Approximate bytes of memory."""
        if self.distribution is not None:
            return _SUMMARY_BYTES + 4 * _FLOAT_BYTES + self.distribution.size
        is_counter = self.min == self.max == self.last == 0
        return _SUMMARY_BYTES + (0 if is_counter else 4 * _FLOAT_BYTES)

    def merged(self, newer: Summary) -> Summary:
        """Return the summary of both; `newer` is of the same kind, and decides about `last`."""
        distribution = self.distribution
        if distribution is not None and newer.distribution is not None:
            distribution = distribution.merged(newer.distribution)
        return Summary(
            min(self.count + newer.count, MAX_COUNT),
            bounded(self.sum + newer.sum),
            min(self.min, newer.min),
            max(self.max, newer.max),
            bounded(self.sum_squares + newer.sum_squares),
            newer.last,
            distribution,
        )


class SummaryRow(NamedTuple):
    """A summary that an intake received: one series, as of the Unix time `when`.

    Level and source are as the client gave them. A source of None means the daemon's.
    """

    kind: str
    name: str
    level: str
    source: str | None
    tags: Mapping[str, str]
    when: float
    summary: Summary


class Annotation(NamedTuple):
    """An event at a Unix time, with a `title`, in a stream of events; `source` may be empty."""

    stream: str
    title: str
    text: str
    source: str
    when: float
    tags: Tags = ()


class Identity(NamedTuple):
    """The identity of a snapshot, which stays the same however often it is delivered.

    `run` identifies one start of one daemon; `sequence` grows with each of its snapshots.
    """

    run: str
    sequence: int


class Snapshot(NamedTuple):
    """One closed interval: Unix times of its start and end in seconds, a Summary per Series."""

    start: float
    end: float
    summaries: Mapping[Series, Summary]

    @property
    def measurements(self) -> int:
        """The number of measurements in all series; their sum may exceed `MAX_COUNT`."""
        return sum(summary.count for summary in self.summaries.values())

    @property
    def size(self) -> int:
        """Approximate bytes of memory, as if it shared nothing with other snapshots."""
        series = list(self.summaries)
        parts = (series[start : start + _AT_ONCE] for start in range(0, len(series), _AT_ONCE))
        own = _SNAPSHOT_BYTES + sys.getsizeof(self.summaries)
        return own + sum(map(_size, parts)) + sum(one.size for one in self.summaries.values())


def _size(series: Sequence[Series]) -> int:
    """Return the approximate bytes of the series; a string that several share counts once."""
    tags = [one.tags for one in series if one.tags]
    pairs = list(chain.from_iterable(tags))
    names, sources = [one.name for one in series], [one.source for one in series]
    texts = [*names, *sources, *chain.from_iterable(pairs)]
    distinct = dict(zip(map(id, texts), texts, strict=True)).values()
    tuples = len(series) * _SERIES_BYTES + sum(map(sys.getsizeof, tags)) + len(pairs) * _TAG_BYTES
    return tuples + sum(map(sys.getsizeof, distinct))


_AT_ONCE = 4096
"""Series whose size is computed together; bounded, since the computation takes memory, too."""
_FLOAT_BYTES = sys.getsizeof(0.5)
_COUNT_BYTES = sys.getsizeof(1 << 20)
_TAG_BYTES = sys.getsizeof(("name", "value"))
_SERIES_BYTES = sys.getsizeof(Series(COUNTER, "name", "source"))
_SUMMARY_BYTES = sys.getsizeof(Summary(1, 1.0)) + _COUNT_BYTES + _FLOAT_BYTES
_SNAPSHOT_BYTES = sys.getsizeof(Snapshot(0.0, 10.0, {})) + 2 * _FLOAT_BYTES + 128
"""Includes what a queue needs for it."""
