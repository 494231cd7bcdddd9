"""What an interval sums up of a series: the figures are those of other daemons, too."""

import gc
import json
import random
from math import isfinite

import pytest
from msgspec.structs import astuple

from tests.daemon.aggregation.aggregators import (
    HUGE,
    Setup,
    counter,
    samples,
)
from zibrato.daemon.aggregation.accumulator import Accumulator
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.model import COUNTER, GAUGE, MAX_COUNT, MAX_EXACT_INT, TIMER, Series, Summary


def test_counters_add_up() -> None:
    setup = Setup()
    setup.add([counter(count=3, total=3.0)])
    setup.add([counter(count=2, total=8.5), counter(count=1, total=-4.0)])
    assert setup.aggregator.pending == 6
    assert setup.only() == (Series(COUNTER, "a", "here"), Summary(6, 7.5))
    assert setup.account() == {"aggregated": 6}


def test_a_counter_of_zero_counts_zero() -> None:
    setup = Setup()
    setup.add([counter(count=5, total=0.0)])
    assert setup.only()[1] == Summary(5, 0.0)


def test_a_counter_may_go_down() -> None:
    setup = Setup()
    setup.add([counter(total=100.0), counter(total=-5.0)])
    assert setup.only()[1].sum == 95.0


@pytest.mark.parametrize("sign", [1, -1])
def test_the_sum_of_a_counter_stays_finite(sign: int) -> None:
    setup = Setup()
    setup.add([counter(total=sign * HUGE), counter(total=sign * HUGE), counter(total=-sign)])
    assert setup.only()[1] == Summary(3, sign * HUGE)


# Timers and gauges. The figures are those of the test suites of statsd, bucky and txstatsd.


@pytest.mark.parametrize(
    ("values", "expected"),
    [  # count, sum, sum of squares, upper, lower, mean
        ([100, 200, 300], (3, 600, 140000, 300, 100, 200)),
        ([100], (1, 100, 10000, 100, 100, 100)),
        ([*range(1, 11)], (10, 55, 385, 10, 1, 5.5)),
        ([*range(1, 101)], (100, 5050, 338350, 100, 1, 50.5)),
        ([0, 0, 0], (3, 0, 0, 0, 0, 0)),
        ([0.1, 0.2, 0.3], (3, 0.6, 0.14, 0.3, 0.1, 0.2)),
        ([1e-9, 1e9], (2, 1e9, 1e18, 1e9, 1e-9, 5e8)),
        ([2**53 - 1, 1], (2, 2**53, 8.112963841460666e31, 2**53 - 1, 1, 2**52)),
        ([2, 5, 7, 3], (4, 17, 87, 7, 2, 4.25)),
        ([1, 1, 1, 1, 1, 1, 1, 1, 1, 2], (10, 11, 13, 2, 1, 1.1)),
        (
            [10, 20, 10, 30, 20, 11, 12, 32, 45, 9, 5, 5, 5, 10, 23, 8],
            (16, 255, 6063, 45, 5, 15.9375),
        ),
    ],
)
def test_timers_sum_up_as_other_daemons_do(
    values: list[float], expected: tuple[float, ...]
) -> None:
    setup = Setup()
    setup.add(timers=[samples(*values)])
    series, summary = setup.only()
    assert series == Series(TIMER, "a", "here")
    assert (
        summary.count,
        summary.sum,
        summary.sum_squares,
        summary.max,
        summary.min,
        summary.sum / summary.count,
    ) == pytest.approx(expected)


def test_percentiles_of_a_timer_are_nearest_ranks() -> None:
    setup = Setup()
    setup.add(timers=[samples(10, 20, 10, 30, 20, 11, 12, 32, 45, 9, 5, 5, 5, 10, 23, 8)])
    distribution = setup.only()[1].distribution
    assert distribution is not None
    expected = {100: 45, 99.98: 45, 90: 32, 50.1: 11, 50: 10, 49.9: 10, 0: 5}
    assert {percent: distribution.percentile(percent) for percent in expected} == expected


@pytest.mark.parametrize("size", [1, 7, 1000, 3000])
def test_the_size_of_batches_does_not_matter(size: int) -> None:
    rng = random.Random(7)
    values = [rng.lognormvariate(-5, 1) for _ in range(6000)]
    setup = Setup()
    for begin in range(0, len(values), size):
        setup.add(timers=[samples(*values[begin : begin + size])])
    assert setup.aggregator.pending == 6000
    summary = setup.only()[1]
    assert summary.count == 6000
    assert (summary.min, summary.max) == (min(values), max(values))
    assert summary.sum == pytest.approx(sum(values))
    assert summary.sum_squares == pytest.approx(sum(value * value for value in values))
    assert summary.distribution is not None
    assert summary.distribution.count == 6000
    for percent in (50, 95, 99):
        exact = sorted(values)[60 * percent - 1]
        assert summary.distribution.percentile(percent) == pytest.approx(exact, rel=0.01)


def test_the_samples_of_a_timer_do_not_wait_without_a_bound() -> None:
    setup = Setup()
    for _ in range(100):
        setup.add(timers=[samples(*[1.0] * 100)])
    (interval,) = setup.aggregator._intervals.values()
    (entry,) = interval.entries.values()
    assert len(entry._fresh) < 8192
    assert setup.only()[1].count == 10_000


def test_a_gauge_keeps_its_last_reading_and_has_no_distribution() -> None:
    setup = Setup()
    setup.add(gauges=[samples(100, -100)])
    setup.add(gauges=[samples(20)])
    series, summary = setup.only()
    assert series == Series(GAUGE, "a", "here")
    assert summary == Summary(3, 20.0, -100.0, 100.0, 20400.0, 20.0, None)


def test_sums_and_squares_stay_finite() -> None:
    setup = Setup()
    setup.add(
        timers=[samples(HUGE, HUGE, 1e-320)],
        gauges=[samples(HUGE, HUGE), samples(-HUGE, -HUGE, -HUGE), samples(1.5)],
    )
    (snapshot,) = setup.close()
    for summary in snapshot.summaries.values():
        json.dumps(astuple(summary)[:6], allow_nan=False)
    by_kind = {series.kind: summary for series, summary in snapshot.summaries.items()}
    assert astuple(by_kind[TIMER])[:5] == (3, HUGE, 1e-320, HUGE, HUGE)
    assert by_kind[GAUGE].last == 1.5
    assert (by_kind[GAUGE].min, by_kind[GAUGE].max) == (-HUGE, HUGE)


def test_sums_of_many_huge_samples_stay_finite() -> None:
    setup = Setup()
    for sign in (1, 1, -1, -1):
        setup.add(timers=[samples(*[HUGE] * 2000)], gauges=[samples(*[sign * HUGE] * 2000)])
    (snapshot,) = setup.close()
    by_kind = {series.kind: summary for series, summary in snapshot.summaries.items()}
    assert by_kind[TIMER].sum == HUGE
    assert isfinite(by_kind[GAUGE].sum)


def test_kinds_of_one_name_are_series_of_their_own() -> None:
    setup = Setup()
    setup.add([counter()], [samples(1.0)], [samples(2.0)])
    (snapshot,) = setup.close()
    assert {series.kind for series in snapshot.summaries} == {COUNTER, TIMER, GAUGE}
    assert snapshot.measurements == 3


def test_a_count_stays_where_integers_end_and_the_excess_is_dropped() -> None:
    setup = Setup()
    setup.add([counter(count=MAX_EXACT_INT, total=1.0) for _ in range(1025)])
    assert setup.account() == {
        "aggregated": MAX_COUNT,
        "dropped": 1025 * MAX_EXACT_INT - MAX_COUNT,
    }
    assert setup.only()[1] == Summary(MAX_COUNT, 1025.0)
    assert Summary(MAX_COUNT, 1.0).merged(Summary(5, 1.0)).count == MAX_COUNT
    assert setup.metrics.total("zibrato.intake.dropped", reason="overflow") > 0


def test_a_self_metric_past_the_bound_goes_out_as_the_bound() -> None:
    metrics = SelfMetrics()
    metrics.count("a", 2**64)
    assert [metric.value for metric in metrics.current()] == [MAX_COUNT]


@pytest.mark.parametrize(("kind", "most"), [(COUNTER, 1), (GAUGE, 2), (TIMER, 2)])
def test_a_series_is_few_objects_for_the_collector_of_garbage(kind: str, most: int) -> None:
    enabled = gc.isenabled()
    gc.disable()
    try:
        before = len(gc.get_objects())
        accumulators = [Accumulator(kind) for _ in range(1000)]
        assert len(gc.get_objects()) - before < (most + 0.5) * len(accumulators)
    finally:
        if enabled:
            gc.enable()
