"""Distributions: a timer's samples of one interval, exact while few, as a histogram if many.

The histogram is the base-2 exponential histogram of OpenTelemetry's data model at scale 6. Bucket
`i` holds the values in (2**((i-1)/64), 2**(i/64)], so a bucket's representative is at most 0.55 %
away from any value in it. OpenTelemetry numbers the same bucket `i - 1`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import accumulate, chain
from math import ceil, inf, ldexp, log2
from sys import getsizeof

MAX_EXACT_SAMPLES = 1024
"""The most samples that are kept exactly; with one more, all become counts of buckets."""
SCALE = 6
MAX_BUCKETS = 8192
MAX_COUNT = 2**63 - 1
"""The highest count: the largest integer of SQLite, and of most readers of JSON."""
_SLACK = 1024
"""Buckets beyond the bound that are tolerated for a while: sorting all for each new one is slow."""
_PER_DOUBLING = float(1 << SCALE)
_MIDDLE = 2 / (1 + 2 ** (1 / _PER_DOUBLING))
_BYTES = 72
_INTEGER_BYTES = getsizeof(1 << 20)
_SHARED_INTEGERS = range(-5, 257)
"""The integers of which CPython has only one object each."""
_NO_BUCKETS: Counter[int] = Counter()
"""Shared by all distributions that have exact samples; never changed."""


__all__ = [
    "MAX_BUCKETS",
    "MAX_COUNT",
    "MAX_EXACT_SAMPLES",
    "SCALE",
    "Distribution",
    "bucket_of",
    "percentile_label",
    "representative",
]


class Distribution:
    """Non-negative samples, kept exactly or in buckets; only their number decides which.

    Merging never loses a sample, and its order never matters. If the samples need more than
    `MAX_BUCKETS` buckets, the smallest samples share the lowest bucket that is kept.
    """

    __slots__ = ("buckets", "high", "low", "samples", "zeros")

    def __init__(self, samples: Iterable[float] = ()) -> None:
        self.samples: array[float] | None = array("d")
        self.buckets = _NO_BUCKETS
        self.zeros = 0
        self.low = inf
        self.high = 0.0
        if samples:
            self.add(list(samples))

    @classmethod
    def of_samples(cls, samples: array[float], low: float, high: float) -> Distribution:
        """Return a distribution that takes over `samples`; `low` and `high` are their extremes."""
        result = cls.__new__(cls)
        result.samples = samples
        result.buckets = _NO_BUCKETS
        result.zeros = 0
        result.low, result.high = low, high
        return result

    @classmethod
    def of_buckets(
        cls, buckets: Mapping[int, int], zeros: int, low: float, high: float
    ) -> Distribution:
        """Return the distribution of samples that are already in buckets."""
        result = cls()
        result.samples = None
        result.buckets = Counter(buckets)
        result.zeros, result.low, result.high = zeros, low, high
        result._bound()
        return result

    def __repr__(self) -> str:
        form = "buckets" if self.samples is None else "samples"
        return f"<Distribution of {self.count} in {form}>"

    @property
    def count(self) -> int:
        """The number of samples."""
        return self.zeros + self.buckets.total() if self.samples is None else len(self.samples)

    @property
    def size(self) -> int:
        """Approximate bytes of memory."""
        if self.samples is not None:
            return _BYTES + getsizeof(self.samples)
        integers = chain(self.buckets, self.buckets.values())
        own = sum(1 for integer in integers if integer not in _SHARED_INTEGERS)
        return _BYTES + getsizeof(self.buckets) + own * _INTEGER_BYTES

    def add(self, samples: list[float]) -> None:
        """Add finite, non-negative `samples`."""
        if not samples:
            return
        self.low = min(self.low, min(samples))
        self.high = max(self.high, max(samples))
        if self.samples is not None:
            if len(self.samples) + len(samples) <= MAX_EXACT_SAMPLES:
                self.samples.extend(samples)
                return
            self.spill()
        self._bucket(samples)

    def add_repeated(self, sample: float, times: int) -> None:
        """Add a finite, non-negative sample `times` times, for the price of one."""
        if self.samples is not None and len(self.samples) + times <= MAX_EXACT_SAMPLES:
            self.add([sample] * times)
        elif times > 0:
            self.spill()
            self.low, self.high = min(self.low, sample), max(self.high, sample)
            if sample > 0:
                self.buckets[bucket_of(sample)] += times
                self._bound(_SLACK)
            else:
                self.zeros += times

    def merged(self, *others: Distribution) -> Distribution:
        """Return a new distribution with the samples of all."""
        result = Distribution()
        for part in (self, *others):
            if part.samples is not None:
                result.add(part.samples.tolist())
            else:
                result.absorb(part)
        result.trim()
        return result

    def in_buckets(self) -> Distribution:
        """Return a new distribution of the same samples in buckets, even if they are few."""
        result = self.merged()
        result.spill()
        return result

    def percentile(self, percent: float) -> float:
        """Return the nearest-rank percentile: a sample, or within 0.55 % of it; 0 if empty.

        `percent` is from 0 to 100.
        """
        return self.percentiles((percent,))[0]

    def percentiles(self, percents: Iterable[float]) -> list[float]:
        """Return several percentiles, which cost hardly more than one."""
        count = self.count
        if not count:
            return [0.0 for _ in percents]
        # Rounded, because as a float 1.1 * 3000 / 100 is above 33, so `ceil` would return 34.
        # Limited to `count`, because the float nearest to a count above 2**53 may be larger.
        ranks = [min(max(1, ceil(round(percent * count / 100, 9))), count) for percent in percents]
        if self.samples is None:
            return self._estimates(ranks)
        self.samples = array("d", sorted(self.samples))  # kept, since sorting it again is cheap
        return [self.samples[rank - 1] for rank in ranks]

    def _estimates(self, ranks: Iterable[int]) -> list[float]:
        indices = sorted(self.buckets)
        seen = list(accumulate([self.buckets[index] for index in indices], initial=self.zeros))
        places = [bisect_left(seen, rank) - 1 for rank in ranks]
        values = [0.0 if place < 0 else representative(indices[place]) for place in places]
        return [min(max(value, self.low), self.high) for value in values]

    def absorb(self, other: Distribution) -> None:
        """Add a distribution that has buckets."""
        self.add_buckets(other.buckets, other.zeros, other.low, other.high)

    def add_buckets(self, buckets: Mapping[int, int], zeros: int, low: float, high: float) -> None:
        """Add samples that are already in buckets; at least one."""
        self.spill()
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.zeros = min(self.zeros + zeros, MAX_COUNT)
        mine, known = self.buckets, self.buckets.get
        sums = {index: known(index, 0) + count for index, count in buckets.items()}
        dict.update(mine, sums)  # Counter.update takes 1.5 times as long
        if mine.total() > MAX_COUNT:
            for index in buckets:
                mine[index] = min(mine[index], MAX_COUNT)
        self._bound(_SLACK)

    def trim(self) -> None:
        """Enforce `MAX_BUCKETS`, which `add_buckets` and `add_repeated` may exceed a little."""
        self._bound()

    def spill(self) -> None:
        """Convert exact samples to buckets."""
        if self.samples is not None:
            samples, self.samples = self.samples, None
            self.buckets = Counter()
            self._bucket(samples.tolist())

    def _bucket(self, samples: list[float]) -> None:
        if self.low <= 0:
            positive = [sample for sample in samples if sample > 0]
            self.zeros += len(samples) - len(positive)
            samples = positive
        self.buckets.update([ceil(log2(sample) * _PER_DOUBLING) for sample in samples])
        self._bound()

    def _bound(self, slack: int = 0) -> None:
        """Keep only the highest buckets; which these are doesn't depend on the samples' order."""
        buckets = self.buckets
        if len(buckets) > MAX_BUCKETS + slack:
            *surplus, floor = sorted(buckets)[: 1 - MAX_BUCKETS]
            for index in surplus:
                buckets[floor] += buckets.pop(index)
            self.buckets = buckets.copy()  # a dict doesn't shrink when items are removed


def percentile_label(percent: float) -> str:
    """Return the label of a percentile, such as p50 or p99.9."""
    return f"p{percent}".removesuffix(".0")


def bucket_of(sample: float) -> int:
    """Return the index of the bucket of a sample above 0."""
    return ceil(log2(sample) * _PER_DOUBLING)


def representative(index: int) -> float:
    """Return the value that is equally far, relatively, from both ends of bucket `index`."""
    doublings, step = divmod(index, 1 << SCALE)
    return ldexp(2 ** (step / _PER_DOUBLING) * _MIDDLE, doublings)  # rounds tiny values only once
