"""Classic buckets: no sample is on the wrong side of a bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zibrato.backends.prometheus.classic import BOUNDS, cumulative
from zibrato.distribution import Distribution


@given(st.lists(st.sampled_from([0.0, *BOUNDS]) | st.floats(0, 1e4), max_size=30))
def test_counts_are_those_of_the_samples(samples: list[float]) -> None:
    distribution = Distribution(samples)
    distribution.spill()
    counts = cumulative(distribution)
    assert counts == [sum(sample <= bound for sample in samples) for bound in BOUNDS]
