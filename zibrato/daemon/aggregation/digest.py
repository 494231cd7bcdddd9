"""Computes sums, extremes and histograms of samples: with numpy for many, if it is installed.

numpy takes a tenth of the time but tens of megabytes, so the operator decides by installing the
extra `numpy`.
"""

from __future__ import annotations

from array import array
from math import inf, isfinite
from operator import mul
from typing import Any, NamedTuple

from zibrato.distribution import MAX_EXACT_SAMPLES, SCALE, Distribution, bucket_of

numpy: Any  # types are also checked where numpy isn't installed
try:
    import numpy
except ImportError:
    numpy = None

_Vector = Any
WORTH_IT = 512
"""Samples from which numpy is faster: each call costs the same for one sample or a hundred."""
WORTH_A_LOOK = 96
"""Samples from which numpy is faster at finding out whether all samples are valid."""
_NEAR = 2.0**-20
"""More than two logarithms of a value differ by, in buckets; they differ by a millionth of it."""


class Moments(NamedTuple):
    """Sum, sum of squares, minimum and maximum of samples; the sums may be infinite."""

    sum: float
    squares: float
    low: float
    high: float


def digest(samples: array[float], distribution: Distribution | None) -> Moments:
    """Add finite `samples`, at least one, to `distribution`; return their moments.

    With a distribution, minimum and maximum may be those of the whole distribution.
    """
    if numpy is not None and len(samples) >= WORTH_IT:
        return vectorized(samples, distribution)
    return pure(samples, distribution)


def pure(samples: array[float], distribution: Distribution | None) -> Moments:
    """Do what `digest` does, without numpy."""
    values = samples.tolist()
    if distribution is None:
        low, high = min(values), max(values)
    else:
        distribution.add(values)
        low, high = distribution.low, distribution.high
    return Moments(sum(values), sum(map(mul, values, values)), low, high)


def vectorized(samples: array[float], distribution: Distribution | None) -> Moments:
    """Do what `digest` does, with numpy; the sums may differ in their last bits."""
    values = numpy.frombuffer(samples)
    with numpy.errstate(over="ignore", invalid="ignore"):
        total, squares = float(values.sum()), float((values * values).sum())
    if not isfinite(total):  # numpy sums in parts, whose sum may be inf - inf
        total = sum(samples)
    moments = Moments(total, squares, float(values.min()), float(values.max()))
    if distribution is not None:
        exact = distribution.samples
        if exact is not None and len(exact) + len(samples) <= MAX_EXACT_SAMPLES:
            distribution.add(samples.tolist())
        else:
            positive = values if moments.low > 0 else values[values > 0]
            zeros = len(values) - len(positive)
            distribution.add_buckets(_buckets(positive), zeros, moments.low, moments.high)
    return moments


def are_timings(data: bytes) -> bool:
    """Return whether the packed samples of rows are known to be all finite and at least 0.

    If there are too few samples for numpy, nothing is known.
    """
    if numpy is None or len(data) < 8 * WORTH_A_LOOK:
        return False
    values = numpy.frombuffer(data, "<f8")
    return bool(values.min() >= 0 and values.max() < inf)  # a NaN makes both NaN


def _buckets(positive: _Vector) -> dict[int, int]:
    """Return the number of samples in each bucket that is not empty."""
    if not len(positive):
        return {}
    indices = _bucket_indices(positive)
    lowest = int(indices.min())
    counts = numpy.bincount(indices - lowest)
    (filled,) = counts.nonzero()
    return dict(zip((filled + lowest).tolist(), counts[filled].tolist(), strict=True))


def _bucket_indices(positive: _Vector) -> _Vector:
    """Return `bucket_of` for each sample.

    The log2 of numpy and that of the C library may differ in the last bits. This matters only for
    samples next to the edge of a bucket, so `bucket_of` itself decides about these.
    """
    places = numpy.log2(positive) * (1 << SCALE)
    indices = numpy.ceil(places).astype(numpy.int64)
    (doubtful,) = (abs(places - numpy.rint(places)) < _NEAR).nonzero()
    if len(doubtful):
        indices[doubtful] = [bucket_of(value) for value in positive[doubtful].tolist()]
    return indices
