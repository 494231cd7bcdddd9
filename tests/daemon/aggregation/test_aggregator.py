"""Batches in, snapshots out: which series a row belongs to, what passes, and how many may be."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.daemon.aggregation.aggregators import NOW, START, Setup, counter, samples, starts
from zibrato.levels import LevelFilter
from zibrato.model import COUNTER, Series


def test_sources_tags_and_levels_make_series_and_their_spelling_does_not() -> None:
    setup = Setup()
    setup.add(
        [
            counter(level="warn"),
            counter(level=" WARNING"),
            counter(level="30", source="here"),
            counter(level="warning", source=""),
            counter(level="warning", source="there"),
            counter(level="warning", tags={"a": "1", "b": "2"}),
            counter(level="warning", tags={"b": "2", "a": "1"}),
        ]
    )
    (snapshot,) = setup.close()
    assert {series: summary.count for series, summary in snapshot.summaries.items()} == {
        Series(COUNTER, "a", "here", (), "warning"): 4,
        Series(COUNTER, "a", "there", (), "warning"): 1,
        Series(COUNTER, "a", "here", (("a", "1"), ("b", "2")), "warning"): 2,
    }


def test_spellings_of_one_series_take_no_memory_each() -> None:
    setup = Setup()
    tags = [str(number) for number in range(50)]
    rng = random.Random(1)
    for _ in range(200):
        rng.shuffle(tags)
        setup.add([counter(tags=dict.fromkeys(tags, "v"))])
    (interval,) = setup.aggregator._intervals.values()
    assert len(interval.rows) <= 2
    assert setup.only()[1].count == 200


def test_levels_that_do_not_pass_are_filtered_and_counted() -> None:
    setup = Setup(levels=LevelFilter.parse("warning+,audit"))
    rows = [counter(level=level) for level in ("debug", "info", "warn", "FATAL", "audit", "other")]
    setup.add(rows, timers=[samples(1, 2, 3, level="debug")])
    (snapshot,) = setup.close()
    assert {series.level for series in snapshot.summaries} == {"warning", "critical", "audit"}
    assert setup.account() == {"aggregated": 3, "filtered": 3 + 3}


def test_a_new_filter_holds_at_once() -> None:
    setup = Setup()
    for expression in ("debug+", "warning+", "debug+"):
        setup.aggregator.levels = LevelFilter.parse(expression)
        assert setup.aggregator.levels == LevelFilter.parse(expression)
        setup.add([counter(level="debug")], [samples(1.0, level="error")])
    assert setup.account() == {"aggregated": 5, "filtered": 1}


def test_new_series_past_the_bound_are_counted_and_old_ones_go_on() -> None:
    setup = Setup(max_series=3)
    setup.add([counter(name=name, count=2) for name in "abcde"], [samples(1.0, 2.0, 3.0)])
    setup.add([counter(name=name, count=2) for name in "abcde"])
    assert setup.aggregator.open_series == 3
    assert setup.account() == {"aggregated": 12, "dropped": 2 * 2 + 3 + 2 * 2}
    (snapshot,) = setup.close()
    assert sorted(series.name for series in snapshot.summaries) == ["a", "b", "c"]


def test_the_bound_holds_over_all_open_intervals_and_closing_makes_room() -> None:
    setup = Setup(max_series=2)
    setup.add([counter()], start=NOW - 20)
    setup.add([counter(), counter(name="b")])
    assert setup.account() == {"aggregated": 2, "dropped": 1}
    setup.close(NOW - 10)
    assert setup.aggregator.open_series == 1
    setup.add([counter(name="b")])
    assert setup.aggregator.open_series == 2
    assert setup.account() == {"aggregated": 3, "dropped": 1}
    setup.close()
    assert setup.aggregator.open_series == 0


@pytest.mark.attack("series with fifty long tags each", before="45,000 took 2.1 GB")
def test_a_series_with_many_tags_counts_as_several() -> None:
    setup = Setup(max_series=10)
    tags = {f"{number:250}": "x" * 250 for number in range(50)}
    for name in "abcdefghijk":
        setup.add([counter(name=name, tags=tags), counter(name=name, tags={"few": "tags"})])
    assert setup.aggregator.open_series == 3
    assert setup.account() == {"aggregated": 3, "dropped": 19}
    setup.close()
    setup.add([counter(name=name) for name in "abcdefghijk"])
    assert setup.aggregator.open_series == 10


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.floats(-7000, 9)), max_size=50), st.integers(0, 8))
def test_never_more_series_than_the_bound(drawn: list[tuple[int, float]], bound: int) -> None:
    setup = Setup(max_series=bound)
    for name, offset in drawn:
        setup.add([counter(name=str(name))], start=NOW + offset)
        assert setup.aggregator.open_series <= bound
    setup.close(NOW - 3000)
    setup.account()
    assert setup.aggregator.open_series <= bound


def test_what_comes_after_its_interval_was_closed_makes_another_snapshot_of_it() -> None:
    setup = Setup()
    setup.add([counter(count=2)], start=START - 10)
    first = setup.close(START)
    setup.add([counter(count=3)], start=START - 10)
    second = setup.close(START)
    assert starts(first) == starts(second) == [START - 10]
    assert [snapshot.measurements for snapshot in first + second] == [2, 3]
    assert setup.account() == {"aggregated": 5}


def test_intervals_in_which_nothing_came_through_make_no_snapshot() -> None:
    setup = Setup()
    setup.add()
    setup.add([counter(name="")], start=NOW - 100)
    assert setup.close() == []


def test_a_closed_snapshot_does_not_change() -> None:
    setup = Setup()
    setup.add([counter()], [samples(1.0)])
    (snapshot,) = setup.close()
    before = dict(snapshot.summaries)
    setup.add([counter(count=9)], [samples(9.0)])
    assert snapshot.summaries == before
    assert snapshot.measurements == 2


def test_what_the_daemon_measures_of_itself_goes_the_same_way() -> None:
    setup = Setup()
    setup.add([counter(name="")])
    setup.aggregator.add(setup.metrics.batch(NOW), NOW)
    (snapshot,) = setup.close()
    assert {(series.name, series.level, series.tags) for series in snapshot.summaries} == {
        ("zibrato.intake.received", "info", ()),
        ("zibrato.intake.rejected", "warning", (("reason", "name"),)),
    }
    assert setup.account() == {"aggregated": 2, "rejected": 1}
