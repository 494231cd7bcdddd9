"""What was summed up before it came: merged as if its measurements had come one by one."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import astuple, replace

from tests.daemon.aggregation.aggregators import LONG, NOW, START, Setup, counter, samples, starts
from zibrato.distribution import Distribution, bucket_of
from zibrato.levels import LevelFilter
from zibrato.model import COUNTER, GAUGE, MAX_COUNT, TIMER, Series, Summary, SummaryRow


def row(kind: str, summary: Summary, when: float = NOW, **rest: Any) -> SummaryRow:
    made = SummaryRow(kind, "a", "info", None, {}, when, summary)
    return made._replace(**rest)


def timer(*values: float) -> SummaryRow:
    buckets = {bucket_of(value): values.count(value) for value in values}
    distribution = Distribution.of_buckets(buckets, 0, min(values), max(values))
    squares = sum(value * value for value in values)
    summary = Summary(
        len(values), sum(values), min(values), max(values), squares, values[-1], distribution
    )
    return row(TIMER, summary)


def gauge(value: float) -> SummaryRow:
    return row(GAUGE, Summary(1, value, value, value, value * value, value))


def test_counters_add_up_whichever_way_they_come() -> None:
    setup = Setup()
    setup.add([counter(count=2, total=5.0)])
    assert not setup.aggregator.add_summaries([row(COUNTER, Summary(3, 7.0))], NOW)
    assert setup.only() == (Series(COUNTER, "a", "here"), Summary(5, 12.0))
    assert setup.account() == {"aggregated": 5}


def test_a_gauge_s_last_reading_is_the_one_that_came_last() -> None:
    setup = Setup()
    setup.add(gauges=[samples(9.0)])
    setup.aggregator.add_summaries([gauge(4.0)], NOW)
    setup.add(gauges=[samples(6.0)])
    setup.aggregator.add_summaries([gauge(5.0)], NOW)
    assert setup.only()[1] == Summary(4, 24.0, 4.0, 9.0, 158.0, 5.0)


def test_timers_merge_with_samples() -> None:
    setup = Setup()
    setup.add(timers=[samples(0.5, 4.0)])
    setup.aggregator.add_summaries([timer(0.25, 1.0, 8.0)], NOW)
    setup.add(timers=[samples(16.0)])
    _, summary = setup.only()
    squares = 0.25 + 16 + 0.0625 + 1 + 64 + 256
    assert astuple(summary)[:6] == (6, 29.75, 0.25, 16.0, squares, 16.0)
    assert summary.distribution is not None
    assert summary.distribution.percentiles((1, 50, 100)) == pytest.approx([0.25, 1, 16], rel=0.006)
    assert setup.account() == {"aggregated": 6}


def test_a_timer_s_distribution_is_kept_where_nothing_came_before() -> None:
    setup = Setup()
    setup.aggregator.add_summaries([timer(0.25, 1.0, 8.0)], NOW)
    _, summary = setup.only()
    assert summary.distribution is not None
    assert summary.distribution.count == 3


def test_samples_stay_as_they_are_while_they_are_few() -> None:
    setup = Setup()
    setup.add(timers=[samples(0.5)])
    few = timer(0.25, 8.0)
    exact = replace(few.summary, distribution=Distribution([0.25, 8.0]))
    setup.aggregator.add_summaries([few._replace(summary=exact)], NOW)
    _, summary = setup.only()
    assert summary.distribution is not None
    assert sorted(summary.distribution.samples or ()) == [0.25, 0.5, 8.0]


def test_each_row_belongs_to_the_interval_of_its_own_time() -> None:
    setup = Setup()
    rows = [row(COUNTER, Summary(1, 1.0), when) for when in (NOW - 20, NOW, 0.0)]
    setup.aggregator.add_summaries(rows, NOW)
    assert starts(setup.close()) == [START - 20, START]
    assert setup.metrics.total("zibrato.intake.timestamp_clamped") == 1


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ({"name": ""}, "name"),
        ({"source": LONG}, "source"),
        ({"level": "no level"}, "level"),
        ({"tags": {"a": LONG}}, "tags"),
    ],
)
def test_what_is_rejected_is_told_and_counted(rest: dict[str, Any], reason: str) -> None:
    setup = Setup()
    lost = setup.aggregator.add_summaries([row(COUNTER, Summary(3, 1.0), **rest)], NOW)
    assert lost == {reason: 1}
    assert setup.rejected() == {reason: 3}
    assert setup.account() == {"rejected": 3}


def test_what_the_filter_leaves_out_is_not_lost() -> None:
    setup = Setup(LevelFilter.parse("error"))
    assert not setup.aggregator.add_summaries([row(COUNTER, Summary(3, 1.0))], NOW)
    assert setup.account() == {"filtered": 3}


def test_a_series_too_many_is_told() -> None:
    setup = Setup(max_series=1)
    rows = [row(COUNTER, Summary(1, 1.0), name=name) for name in "abb"]
    assert setup.aggregator.add_summaries(rows, NOW) == {"max_series": 2}
    assert setup.account() == {"aggregated": 1, "dropped": 2}


@pytest.mark.parametrize("kind", [COUNTER, GAUGE])
def test_more_than_can_be_counted_is_dropped(kind: str) -> None:
    setup = Setup()
    rows = [row(kind, Summary(MAX_COUNT - 1, 1.0, 1.0, 1.0, 1.0, 1.0))] * 2
    setup.aggregator.add_summaries(rows, NOW)
    assert setup.account() == {"aggregated": MAX_COUNT, "dropped": MAX_COUNT - 2}
