"""Which interval a batch belongs to, and what closing one returns."""

import random
from math import inf, nan

import pytest

from tests.daemon.aggregation.aggregators import HUGE, NOW, START, Setup, counter, starts
from zibrato.daemon.aggregation.aggregator import Aggregator
from zibrato.daemon.aggregation.intervals import MAX_INTERVALS
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.wire import Batch


@pytest.mark.parametrize(
    ("when", "start"),
    [
        (START, START),
        (START + 9.999, START),
        (START + 10, START + 10),
        (NOW - 3600, START - 3600),
        (NOW - 7200, START - 7200),
        (NOW + 10, START + 10),
    ],
)
def test_a_batch_lands_in_its_own_interval(when: float, start: float) -> None:
    setup = Setup()
    setup.add([counter()], start=when)
    (snapshot,) = setup.close()
    assert (snapshot.start, snapshot.end) == (start, start + 10)
    assert setup.metrics.total("zibrato.intake.timestamp_clamped") == 0


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (NOW - 7201, NOW - 7201),
        (NOW + 10.5, NOW + 10.5),
        (0.0, 0.0),
        (-1.0, -1.0),
        (nan, nan),
        (NOW, nan),
        (nan, NOW),
        (inf, inf),
        (-inf, -inf),
        (-inf, inf),
        (HUGE, HUGE),
        (-HUGE, -HUGE),
        (2.0**63, 2.0**64),
    ],
)
def test_a_batch_of_no_sane_time_counts_as_of_now(start: float, end: float) -> None:
    setup = Setup()
    setup.add([counter(count=7)], start=start, end=end)
    (snapshot,) = setup.close()
    assert (snapshot.start, snapshot.end) == (START, START + 10)
    assert setup.metrics.total("zibrato.intake.timestamp_clamped") == 1
    assert setup.account() == {"aggregated": 7}


@pytest.mark.attack(
    "times that are spread over two hours",
    before="700 requests an interval, more than could be sent",
)
def test_past_a_bound_what_would_open_one_more_counts_as_of_now() -> None:
    metrics = SelfMetrics()
    aggregator = Aggregator(metrics, interval=1.0, source="here", max_series=10_000)
    for age in (*range(1, MAX_INTERVALS + 100), 1, 0):
        when = NOW - age
        aggregator.add(Batch(1, "c", 1, when, when, [counter()]), NOW)
    snapshots = [closed.snapshot() for closed in aggregator.close(inf)]
    assert len(snapshots) == MAX_INTERVALS + 1
    assert (snapshots[-1].start, snapshots[-1].measurements) == (NOW, 99 + 1)
    assert snapshots[-2].measurements == 2
    assert metrics.total("zibrato.intake.timestamp_clamped") == 99


def test_what_comes_after_its_interval_was_closed_opens_it_again() -> None:
    aggregator = Aggregator(SelfMetrics(), interval=10.0, source="here", max_series=9)
    for _ in range(2):
        assert [
            aggregator.add(batch, NOW) for batch in [Batch(1, "c", 1, NOW, NOW, [counter()])] * 2
        ]
        assert [closed.snapshot().measurements for closed in aggregator.close(inf)] == [2]


def test_what_comes_at_once_of_two_intervals_lands_in_both() -> None:
    aggregator = Aggregator(SelfMetrics(), interval=10.0, source="here", max_series=9)
    times = (NOW, NOW - 10, NOW, NOW - 10, NOW + 9, NOW + 11)
    starts = [aggregator.add(Batch(1, "c", 1, when, when, [counter()]), NOW) for when in times]
    assert starts == [START, START - 10, START, START - 10, START + 10, START]


def test_the_middle_of_a_batch_decides() -> None:
    setup = Setup()
    setup.add([counter()], start=START - 3, end=START + 2)
    setup.add([counter()], start=START - 2, end=START + 3)
    assert starts(setup.close()) == [START - 10, START]


@pytest.mark.parametrize("step", [-3600, -1, 61, 3600])
def test_a_batch_in_which_the_clock_was_set_belongs_to_its_end(step: int) -> None:
    setup = Setup()
    setup.add([counter()], start=NOW - step, end=NOW)
    assert starts(setup.close()) == [START]
    assert setup.metrics.total("zibrato.intake.timestamp_clamped") == 0


def test_closing_returns_what_has_ended_the_oldest_first() -> None:
    setup = Setup()
    for offset in (0, -30, -10, -20):
        setup.add([counter(count=1 - offset)], start=START + offset)
    assert setup.close(START - 20.001) == []
    assert starts(setup.close(START - 10)) == [START - 30, START - 20]
    assert setup.close(START - 10) == []
    assert setup.aggregator.pending == 11 + 1
    later = setup.close(START + 10)
    assert starts(later) == [START - 10, START]
    assert [snapshot.measurements for snapshot in later] == [11, 1]
    assert setup.account() == {"aggregated": 31 + 21 + 11 + 1}


@pytest.mark.parametrize("interval", [0.1, 1.0, 7.0, 60.0])
def test_intervals_of_any_length_hold_what_falls_in_them(interval: float) -> None:
    aggregator = Aggregator(SelfMetrics(), interval=interval, source="here", max_series=100)
    rng = random.Random(3)
    for _ in range(200):
        when = NOW - rng.uniform(0, 7000)
        aggregator.add(Batch(1, "c", 1, when, when, [counter()]), NOW)
        (closed,) = aggregator.close(NOW + interval)
        snapshot = closed.snapshot()
        assert snapshot.start - 1e-6 <= when <= snapshot.end + 1e-6
        assert snapshot.end - snapshot.start == pytest.approx(interval)
