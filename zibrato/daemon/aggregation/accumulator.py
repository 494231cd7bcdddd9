"""Accumulators: the open summary of one series in one interval, with bounded memory and sums."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import inf

from zibrato.daemon.aggregation.digest import WORTH_IT, digest, pure
from zibrato.daemon.aggregation.distinct import Distinct
from zibrato.distribution import Distribution
from zibrato.model import COUNTER, GAUGE, MAX_COUNT, TIMER, Summary, bounded

_CHUNK = 8192
"""The most samples that wait. They take about as many bytes as the histogram that they become.

With half as many, a sample costs 1.5 times as much: each pass over the samples has a fixed price.
"""
_NO_SAMPLES = array("d")
"""Shared by all counters: with 100,000 of them, one object less for each speeds up intakes."""


class Accumulator:
    """The open summary of one series in one interval.

    Samples wait in `_fresh` until there are enough of them to be worth the passes over them. Until
    then a timer has no distribution.
    """

    __slots__ = (
        *("_distribution", "_fresh", "_is_timer", "_last", "_max", "_min", "_squares"),
        *("count", "sum"),
    )

    def __init__(self, kind: str) -> None:
        self.count = 0
        self.sum = 0.0
        self._fresh: array[float] = _NO_SAMPLES if kind == COUNTER else array("d")
        self._min = inf
        self._max = -inf
        self._squares = 0.0
        self._last = 0.0
        self._is_timer = kind == TIMER
        self._distribution: Distribution | None = None

    def add_counts(self, count: int, total: float) -> int:
        """Add `count` increments with the sum `total`; return how many exceeded `MAX_COUNT`."""
        excess = max(0, self.count + count - MAX_COUNT)
        self.count += count - excess
        self.sum = bounded(self.sum + total)
        return excess

    def add(self, samples: array[float]) -> None:
        """Add finite samples of a timer or gauge."""
        self.count += len(samples)
        self._fresh.extend(samples)
        if len(self._fresh) >= _CHUNK:
            self._digest()

    def add_one(self, sample: float) -> None:
        """Add one finite sample of a timer or gauge."""
        self.count += 1
        self._fresh.append(sample)
        if len(self._fresh) >= _CHUNK:
            self._digest()

    def add_repeated(self, samples: Sequence[float], times: Sequence[int]) -> int:
        """Add each timer sample as often as `times` says; return how many exceeded `MAX_COUNT`."""
        if self._fresh:
            self._digest()
        distribution, excess = self._of_timer(), 0
        for sample, repeated in zip(samples, times, strict=True):
            fitting = min(repeated, MAX_COUNT - self.count)
            excess += repeated - fitting
            self.count += fitting
            self.sum += bounded(sample * fitting)
            self._squares += bounded(sample * sample * fitting)
            self._last = sample
            if distribution is not None:
                distribution.add_repeated(sample, fitting)
                self._min, self._max = distribution.low, distribution.high
        return excess

    def add_summary(self, summary: Summary) -> int:
        """Merge the summary of a timer or gauge; return how many samples exceeded `MAX_COUNT`."""
        if self._fresh:
            self._digest()  # earlier samples come first, so that `last` is the summary's
        distribution, other = self._of_timer(), summary.distribution
        if distribution is not None and other is not None:
            if other.samples is None:
                distribution.absorb(other)
            else:
                distribution.add(other.samples.tolist())
        self._min, self._max = min(self._min, summary.min), max(self._max, summary.max)
        self._squares += summary.sum_squares
        self._last = summary.last
        return self.add_counts(summary.count, summary.sum)

    def summary(self) -> Summary:
        """Return the summary; the accumulator must not be used afterwards."""
        if self._fresh:
            if self._min > self._max and len(self._fresh) < WORTH_IT:
                return self._of_few()
            self._digest()
        if self._distribution is not None:
            self._distribution.trim()
        if self._min > self._max:
            return Summary(self.count, bounded(self.sum))
        return Summary(
            self.count,
            bounded(self.sum),
            self._min,
            self._max,
            bounded(self._squares),
            self._last,
            self._of_timer(),
        )

    def _of_few(self) -> Summary:
        """Return the summary if there were only a few samples, which is so for most series."""
        samples = self._fresh
        total, squares, low, high = pure(samples, None)
        return Summary(
            self.count,
            bounded(total),
            low,
            high,
            bounded(squares),
            samples[-1],
            Distribution.of_samples(samples, low, high) if self._is_timer else None,
        )

    def _of_timer(self) -> Distribution | None:
        """Return the distribution of a timer; None for any other kind."""
        if self._distribution is None and self._is_timer:
            self._distribution = Distribution()
        return self._distribution

    def _digest(self) -> None:
        samples = self._fresh
        total, squares, low, high = digest(samples, self._of_timer())
        self.sum += bounded(total)
        self._squares += squares
        self._last = samples[-1]
        self._min, self._max = min(self._min, low), max(self._max, high)
        del samples[:]


class SetAccumulator(Accumulator):
    """The open summary of one set: a gauge whose reading is the number of distinct values."""

    __slots__ = ("_distinct",)

    def __init__(self) -> None:
        super().__init__(GAUGE)
        self._distinct = Distinct()

    def add_values(self, values: Sequence[bytes]) -> None:
        """Add values of the set."""
        self.count += len(values)
        self._distinct.add(values)

    def summary(self) -> Summary:
        """Return a summary that has the reading once for each value, so that counts add up."""
        reading = float(self._distinct.estimate())
        total, squares = self.count * reading, self.count * reading * reading
        return Summary(self.count, total, reading, reading, squares, reading)
