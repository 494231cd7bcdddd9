"""What only lines have: samples that stand for many, and sets."""

from __future__ import annotations

import pytest

from tests.daemon.aggregation.aggregators import NOW, Setup, samples
from zibrato.lines import LineBatch, RepeatedRow, SetRow
from zibrato.model import GAUGE, MAX_COUNT, Series


@pytest.fixture
def setup() -> Setup:
    return Setup()


def repeated(*values: float, times: int) -> RepeatedRow:
    return RepeatedRow("a", "info", None, {}, values, [times] * len(values))


def test_a_sample_of_many_counts_and_weighs_as_many(setup: Setup) -> None:
    batch = LineBatch(NOW, NOW, timers=[samples(0.1)], repeated=[repeated(0.2, 0.3, times=10)])
    setup.aggregator.add(batch, NOW)
    assert setup.account() == {"aggregated": 21}
    _, summary = setup.only()
    assert (summary.count, summary.min, summary.max, summary.last) == (21, 0.1, 0.3, 0.3)
    assert summary.sum == pytest.approx(5.1)
    assert summary.sum_squares == pytest.approx(1.31)
    assert summary.distribution is not None
    assert summary.distribution.percentiles((4, 50, 53)) == [0.1, 0.2, 0.3]


@pytest.mark.attack("@0.0000000001", before="a list of as many samples")
def test_samples_of_very_many_take_no_memory_and_stay_countable(setup: Setup) -> None:
    for _ in range(3):
        setup.aggregator.add(LineBatch(NOW, NOW, repeated=[repeated(2.0, 0.0, times=2**61)]), NOW)
    assert setup.account() == {"aggregated": MAX_COUNT, "dropped": 6 * 2**61 - MAX_COUNT}
    _, summary = setup.only()
    assert summary.count == MAX_COUNT
    assert summary.distribution is not None
    assert summary.distribution.percentiles((1, 99)) == pytest.approx([0.0, 2.0], rel=0.01)


def test_a_set_is_a_gauge_of_its_distinct_values(setup: Setup) -> None:
    for values in ([b"a", b"b", b"a"], [b"b", b"c"]):
        row = SetRow("users", "info", None, {"site": "x"}, values)
        setup.aggregator.add(LineBatch(NOW, NOW, sets=[row]), NOW)
    assert setup.account() == {"aggregated": 5}
    series, summary = setup.only()
    assert series == Series(GAUGE, "users", "here", (("site", "x"),), "info")
    assert (summary.last, summary.min, summary.max, summary.sum / summary.count) == (3, 3, 3, 3)
    assert setup.account() == {"aggregated": 5}


def test_a_set_and_a_gauge_of_one_name_are_one_gauge(setup: Setup) -> None:
    batch = LineBatch(NOW, NOW, sets=[SetRow("a", "info", None, {}, [b"x"])])
    batch.gauges.append(samples(7.0))
    setup.aggregator.add(batch, NOW)
    series, summary = setup.only()
    assert (series.kind, summary.count, summary.min, summary.max) == (GAUGE, 2, 1, 7)
    assert setup.account() == {"aggregated": 2}
