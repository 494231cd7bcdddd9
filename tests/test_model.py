"""What the stages pass on: merging, bounds, sizes."""

import gc
import json
import sys
from dataclasses import FrozenInstanceError
from math import nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from zibrato.distribution import Distribution
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Snapshot, Summary, bounded

HUGE = sys.float_info.max
INFINITY = float("inf")


def timer(*samples: float) -> Summary:
    return Summary(
        len(samples),
        sum(samples),
        min(samples),
        max(samples),
        sum(sample * sample for sample in samples),
        samples[-1],
        Distribution(samples),
    )


def test_only_many_or_long_tags_make_a_series_count_as_several() -> None:
    few = tuple((f"tag{number}", f"value {number}") for number in range(15))
    assert (
        Series(COUNTER, "n" * 255, "s" * 255).weight == Series(COUNTER, "n", "s", few).weight == 1
    )
    many = tuple((f"{number:255}", "v" * 255) for number in range(50))
    assert Series(COUNTER, "n", "s", many).weight in {8, 9}  # texts are smaller since Python 3.12


def test_merging_counters_adds_counts_and_sums() -> None:
    merged = Summary(2, -3.5).merged(Summary(4, 10.0))
    assert merged == Summary(6, 6.5)
    assert merged.distribution is None


def test_merging_gauges_keeps_the_extremes_and_the_newer_last_reading() -> None:
    older = Summary(2, 30.0, 10.0, 20.0, 500.0, 20.0)
    newer = Summary(1, 15.0, 15.0, 15.0, 225.0, 15.0)
    assert older.merged(newer) == Summary(3, 45.0, 10.0, 20.0, 725.0, 15.0)
    assert newer.merged(older).last == 20.0


def test_merging_timers_merges_their_distributions_and_changes_neither() -> None:
    one, other = timer(0.1, 0.4), timer(0.2)
    merged = one.merged(other)
    assert merged.distribution is not None
    assert [merged.distribution.percentile(p) for p in (1, 50, 100)] == [0.1, 0.2, 0.4]
    assert one.distribution is not None
    assert one.distribution.count == 2
    assert other.distribution is not None
    assert other.distribution.count == 1


def test_a_reading_that_is_not_known_is_the_mean() -> None:
    assert Summary(2, 6.0, 1.0, 5.0, 26.0, 5.0).reading == 5.0
    assert Summary(2, 6.0, 1.0, 5.0, nan, nan).reading == 3.0


def test_sums_that_overflow_stay_finite() -> None:
    merged = Summary(1, HUGE, 0.0, HUGE, HUGE).merged(Summary(1, HUGE, 0.0, HUGE, HUGE))
    assert merged == Summary(2, HUGE, 0.0, HUGE, HUGE)
    json.dumps(astuple(merged)[:6], allow_nan=False)
    assert Summary(1, -HUGE).merged(Summary(1, -HUGE)).sum == -HUGE


@settings(deadline=None)
@given(st.floats(allow_nan=False))
def test_bounded_changes_nothing_but_infinities(value: float) -> None:
    expected = {INFINITY: HUGE, -INFINITY: -HUGE}.get(value, value)
    assert bounded(value) == expected


def test_python_goes_through_no_summary_for_garbage() -> None:
    assert not gc.is_tracked(timer(0.1))


def test_a_snapshot_knows_how_many_measurements_it_sums_up() -> None:
    summaries = {
        Series("counter", "hits", "web1"): Summary(7, 0.0),
        Series(GAUGE, "depth", "web1"): Summary(2, 3.0, 1.0, 2.0, 5.0, 2.0),
        Series(TIMER, "query", "web1"): timer(0.1, 0.2, 0.3),
    }
    assert Snapshot(10.0, 20.0, summaries).measurements == 12
    assert Snapshot(10.0, 20.0, {}).measurements == 0


def test_the_size_of_a_snapshot_grows_with_its_series_and_their_samples() -> None:
    def size(*counts: int) -> int:
        return Snapshot(
            0.0, 10.0, {Series(TIMER, str(n), "a"): timer(*[0.5] * n) for n in counts}
        ).size

    assert size(1) > 0
    assert size(1, 2) > size(2)
    assert size(1000) >= size(1) + 8 * 999


def test_what_is_passed_on_is_immutable() -> None:
    for thing, field in ((Series(GAUGE, "a", "b"), "name"), (Summary(1, 1.0), "sum")):
        with pytest.raises((AttributeError, FrozenInstanceError)):
            setattr(thing, field, "other")


def test_series_differ_by_level_source_and_tags() -> None:
    plain = Series(GAUGE, "a", "b")
    assert plain.level == "info"
    assert plain.tags == ()
    others = {
        plain,
        plain._replace(level="debug"),
        plain._replace(source="c"),
        plain._replace(tags=(("k", "v"),)),
        plain._replace(kind=TIMER),
    }
    assert len(others) == 5
