"""What every stage of the daemon passes on: series, their summaries, and closed intervals."""

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
"""What an open interval holds of a statsd set: a closed one has a gauge of it."""

MAX_NAME_LENGTH = 255
"""Characters of a metric's name, a source, and a tag's name and value."""
MAX_TAGS = 50
"""Tags of a measurement."""
MAX_EXACT_INT = 2**53
"""Up to here every whole number is a float64 as well, so that sums of counts stay exact."""

Tags = tuple[tuple[str, str], ...]
_MOST = sys.float_info.max


def bounded(value: float) -> float:
    """Return the finite number nearest to `value`, which is no NaN: JSON has no infinity."""
    return value if -_MOST <= value <= _MOST else min(max(value, -_MOST), _MOST)


class Series(NamedTuple):
    """The identity of what is measured; `tags` are pairs sorted by name."""

    kind: str
    name: str
    source: str
    tags: Tags = ()
    level: str = "info"


# Without `gc`: no summary can be in a cycle, and there are 100,000 new ones with an interval.
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
        """The newest reading, or the mean where it isn't known."""
        return self.sum / self.count if isnan(self.last) else self.last

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        if self.distribution is not None:
            return _SUMMARY_BYTES + 4 * _FLOAT_BYTES + self.distribution.size
        is_counter = self.min == self.max == self.last == 0
        return _SUMMARY_BYTES + (0 if is_counter else 4 * _FLOAT_BYTES)

    def merged(self, newer: Summary) -> Summary:
        """Return the summary of both, of the same kind, `newer` having the last word."""
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
    """What was summed up before it came to an intake: one series, as of the Unix time `when`.

    Level and source are as a client gives them; where there is no source it is the daemon's.
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
        """How many measurements the snapshot sums up; over all series they may pass `MAX_COUNT`."""
        return sum(summary.count for summary in self.summaries.values())

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes, as if it shared nothing with others."""
        series = list(self.summaries)
        parts = (series[start : start + _AT_ONCE] for start in range(0, len(series), _AT_ONCE))
        own = _SNAPSHOT_BYTES + sys.getsizeof(self.summaries)
        return own + sum(map(_size, parts)) + sum(one.size for one in self.summaries.values())


def _size(series: Sequence[Series]) -> int:
    """Return about how many bytes the series take; a text that several share counts once."""
    tags = [one.tags for one in series if one.tags]
    pairs = list(chain.from_iterable(tags))
    names, sources = [one.name for one in series], [one.source for one in series]
    texts = [*names, *sources, *chain.from_iterable(pairs)]
    distinct = dict(zip(map(id, texts), texts, strict=True)).values()
    tuples = len(series) * _SERIES_BYTES + sum(map(sys.getsizeof, tags)) + len(pairs) * _TAG_BYTES
    return tuples + sum(map(sys.getsizeof, distinct))


_AT_ONCE = 4096
"""Series of which the size is found together: that takes memory, too."""
_FLOAT_BYTES = sys.getsizeof(0.5)
_COUNT_BYTES = sys.getsizeof(1 << 20)
_TAG_BYTES = sys.getsizeof(("name", "value"))
_SERIES_BYTES = sys.getsizeof(Series(COUNTER, "name", "source"))
_SUMMARY_BYTES = sys.getsizeof(Summary(1, 1.0)) + _COUNT_BYTES + _FLOAT_BYTES
_SNAPSHOT_BYTES = sys.getsizeof(Snapshot(0.0, 10.0, {})) + 2 * _FLOAT_BYTES + 128
"""With what keeps its place in a queue."""
