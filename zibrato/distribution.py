"""How a timer's samples of one interval are kept: exact while few, a histogram when many.

The histogram is the base-2 exponential one of OpenTelemetry's data model at scale 6: bucket `i`
holds the values in (2**(i/64), 2**((i+1)/64)], so that a bucket's representative is at most
0.55 % away from any value in it.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from math import ceil, log2

EXACT = 1024
SCALE = 6
MAX_BUCKETS = 8192
_PER_DOUBLING = float(1 << SCALE)
_MIDDLE = 2 / (1 + 2 ** (-1 / _PER_DOUBLING))


class Distribution:
    """Samples of at least 0; which form it takes depends on their number alone.

    Merging never loses a sample and its order never matters. Past `MAX_BUCKETS` buckets, which
    span a ratio of 2**128, the smallest values share the lowest one.
    """

    __slots__ = ("buckets", "samples", "zeros")

    def __init__(self, samples: Iterable[float] = ()) -> None:
        self.samples: array[float] | None = array("d")
        self.buckets: Counter[int] = Counter()
        self.zeros = 0
        self.add(array("d", samples))

    def __repr__(self) -> str:
        form = "buckets" if self.samples is None else "samples"
        return f"<Distribution of {self.count} in {form}>"

    @property
    def count(self) -> int:
        """How many samples were added."""
        return self.zeros + self.buckets.total() if self.samples is None else len(self.samples)

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        return 64 + 100 * len(self.buckets) + 8 * len(self.samples or ())

    def add(self, samples: array[float]) -> None:
        """Take finite `samples` of at least 0 in."""
        if self.samples is not None:
            if len(self.samples) + len(samples) <= EXACT:
                self.samples.extend(samples)
                return
            kept, self.samples = self.samples, None
            self._bucket(kept)
        self._bucket(samples)

    def merged(self, other: Distribution) -> Distribution:
        """Return a new distribution of the samples of both."""
        result = Distribution()
        for part in (self, other):
            if part.samples is not None:
                result.add(part.samples)
            else:
                result._absorb(part)
        return result

    def percentile(self, percent: float) -> float:
        """Return the nearest-rank percentile: a sample, or within 0.55 % of it; 0 if empty."""
        count = self.count
        rank = max(1, ceil(percent / 100 * count))
        if self.samples is not None:
            return sorted(self.samples)[rank - 1] if count else 0.0
        seen = self.zeros
        value = 0.0
        for index in sorted(self.buckets) if rank > seen else ():
            seen += self.buckets[index]
            value = _representative(index)
            if seen >= rank:
                break
        return value

    def _absorb(self, other: Distribution) -> None:
        if self.samples is not None:
            kept, self.samples = self.samples, None
            self._bucket(kept)
        self.zeros += other.zeros
        self.buckets.update(other.buckets)
        self._bound()

    def _bucket(self, samples: array[float]) -> None:
        try:
            scaled = map(_PER_DOUBLING.__mul__, map(log2, samples))
            found = Counter(map(ceil, scaled))
        except ValueError:  # log2(0)
            positive = array("d", filter(None, samples))
            self.zeros += len(samples) - len(positive)
            self._bucket(positive)
            return
        buckets = self.buckets
        for above, count in found.items():
            buckets[above - 1] += count
        self._bound()

    def _bound(self) -> None:
        if len(self.buckets) > MAX_BUCKETS:
            floor = max(self.buckets) - MAX_BUCKETS + 1
            for index in [index for index in self.buckets if index < floor]:
                self.buckets[floor] += self.buckets.pop(index)


def _representative(index: int) -> float:
    """Return the value whose relative distance to both ends of bucket `index` is equal."""
    return float(2 ** (index / _PER_DOUBLING)) * _MIDDLE
