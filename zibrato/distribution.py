"""How a timer's samples of one interval are kept: exact while few, a histogram when many.

The histogram is the base-2 exponential one of OpenTelemetry's data model at scale 6: bucket `i`
holds the values in (2**((i-1)/64), 2**(i/64)], so that a bucket's representative is at most
0.55 % away from any value in it. OpenTelemetry calls the same bucket `i - 1`.
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
"""How many samples are kept as they are; one more makes them buckets."""
SCALE = 6
MAX_BUCKETS = 8192
MAX_COUNT = 2**63 - 1
"""What a count may add up to: the integers of SQLite, and of most that read JSON, end there."""
_SLACK = 1024
"""Buckets beyond the bound that may be there meanwhile: to sort all for each new one takes long."""
_PER_DOUBLING = float(1 << SCALE)
_MIDDLE = 2 / (1 + 2 ** (1 / _PER_DOUBLING))
_BYTES = 72
_INTEGER_BYTES = getsizeof(1 << 20)
_SHARED_INTEGERS = range(-5, 257)
"""Which integers CPython has once for all."""
_NO_BUCKETS: Counter[int] = Counter()
"""What all share that have samples: never added to."""


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
    """Samples of at least 0; which form it takes depends on their number alone.

    Merging never loses a sample and its order never matters. Where the samples need more than
    `MAX_BUCKETS` buckets, the smallest of them share the lowest one that is kept.
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
        """Return the distribution of `samples`, which it keeps; `low` and `high` are the ends."""
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
        """Return the distribution of samples that somebody else has put into buckets."""
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
        """How many samples were added."""
        return self.zeros + self.buckets.total() if self.samples is None else len(self.samples)

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        if self.samples is not None:
            return _BYTES + getsizeof(self.samples)
        integers = chain(self.buckets, self.buckets.values())
        own = sum(1 for integer in integers if integer not in _SHARED_INTEGERS)
        return _BYTES + getsizeof(self.buckets) + own * _INTEGER_BYTES

    def add(self, samples: list[float]) -> None:
        """Take finite `samples` of at least 0 in."""
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
        """Take a finite sample of at least 0 in, so many times, for the price of one."""
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
        """Return a new distribution of the samples of all."""
        result = Distribution()
        for part in (self, *others):
            if part.samples is not None:
                result.add(part.samples.tolist())
            else:
                result.absorb(part)
        result.trim()
        return result

    def in_buckets(self) -> Distribution:
        """Return a new distribution of the same samples, in buckets however few they are."""
        result = self.merged()
        result.spill()
        return result

    def percentile(self, percent: float) -> float:
        """Return the nearest-rank percentile: a sample, or within 0.55 % of it; 0 if empty.

        `percent` is from 0 to 100.
        """
        return self.percentiles((percent,))[0]

    def percentiles(self, percents: Iterable[float]) -> list[float]:
        """Return several percentiles, for hardly more than one of them costs."""
        count = self.count
        if not count:
            return [0.0 for _ in percents]
        # 1.1 * 3000 / 100 is above 33 in floats, which would make it the next sample's rank.
        # A count above 2**53 may be less than the nearest float.
        ranks = [min(max(1, ceil(round(percent * count / 100, 9))), count) for percent in percents]
        if self.samples is None:
            return self._estimates(ranks)
        self.samples = array("d", sorted(self.samples))  # sorting it again is cheap
        return [self.samples[rank - 1] for rank in ranks]

    def _estimates(self, ranks: Iterable[int]) -> list[float]:
        indices = sorted(self.buckets)
        seen = list(accumulate([self.buckets[index] for index in indices], initial=self.zeros))
        places = [bisect_left(seen, rank) - 1 for rank in ranks]
        values = [0.0 if place < 0 else representative(indices[place]) for place in places]
        return [min(max(value, self.low), self.high) for value in values]

    def absorb(self, other: Distribution) -> None:
        """Take in a distribution that has buckets."""
        self.add_buckets(other.buckets, other.zeros, other.low, other.high)

    def add_buckets(self, buckets: Mapping[int, int], zeros: int, low: float, high: float) -> None:
        """Take in what somebody else has put into buckets, one sample at least."""
        self.spill()
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.zeros = min(self.zeros + zeros, MAX_COUNT)
        mine, known = self.buckets, self.buckets.get
        sums = {index: known(index, 0) + count for index, count in buckets.items()}
        dict.update(mine, sums)  # what a Counter has for that takes half as long again
        if mine.total() > MAX_COUNT:
            for index in buckets:
                mine[index] = min(mine[index], MAX_COUNT)
        self._bound(_SLACK)

    def trim(self) -> None:
        """Keep to `MAX_BUCKETS`, past which `add_buckets` and `add_repeated` may be a little."""
        self._bound()

    def spill(self) -> None:
        """Turn from exact samples to buckets."""
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
        """Keep the highest buckets: which they are depends on the samples, not on their order."""
        buckets = self.buckets
        if len(buckets) > MAX_BUCKETS + slack:
            *surplus, floor = sorted(buckets)[: 1 - MAX_BUCKETS]
            for index in surplus:
                buckets[floor] += buckets.pop(index)
            self.buckets = buckets.copy()  # a dict keeps the room of what it had


def percentile_label(percent: float) -> str:
    """Return what a percentile is called: p50, p99.9."""
    return f"p{percent}".removesuffix(".0")


def bucket_of(sample: float) -> int:
    """Return the index of the bucket that a sample above 0 is in."""
    return ceil(log2(sample) * _PER_DOUBLING)


def representative(index: int) -> float:
    """Return the value whose relative distance to both ends of bucket `index` is equal."""
    doublings, step = divmod(index, 1 << SCALE)
    return ldexp(2 ** (step / _PER_DOUBLING) * _MIDDLE, doublings)  # rounds tiny values once
