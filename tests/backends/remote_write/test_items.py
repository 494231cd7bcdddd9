"""What of snapshots is sent: names, times and totals."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from tests.backends.pauses import run
from tests.backends.remote_write.prompb import series_of
from zibrato.backends.remote_write.items import Mapped, items
from zibrato.backends.totals import Addition
from zibrato.distribution import Distribution
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Snapshot, Summary

NOW = 1_700_000_000
MS = 1000 * NOW
CALLS = Series(COUNTER, "calls", "here")


def timer(*samples: float) -> Summary:
    return Summary(len(samples), sum(samples), distribution=Distribution(samples))


def mapped(*parts: tuple[int, Mapping[Series, Summary]], native: bool = False) -> Mapped:
    """Return what ships intervals of 10 s, each from so many seconds after NOW on."""
    snapshots = [Snapshot(NOW + after, NOW + after + 10, summaries) for after, summaries in parts]
    work = items(Addition({}, snapshots, now=NOW + 10_000), native=native)
    return run(work)[0]


def values(made: Mapped, name: str) -> list[tuple[int, float]]:
    """Return milliseconds after NOW and the value of each sample of a name."""
    body = b"".join(item.content for item in made.items)
    return [(one.timestamp - MS, one.value) for one in series_of(body)[name].samples]


def test_a_counter_begins_with_nothing_and_goes_on() -> None:
    made = mapped((0, {CALLS: Summary(2, 5.0)}), (10, {CALLS: Summary(1, 1.0)}))
    assert values(made, "calls_total") == [(1, 0.0), (10_000, 5.0), (20_000, 6.0)]
    assert [(item.series, item.measurements) for item in made.items] == [(CALLS, 3)]


def test_what_is_late_is_in_a_total_of_its_own_just_after_the_last() -> None:
    one = {CALLS: Summary(1, 1.0)}
    made = mapped((50, one), (50, one), (0, one))
    assert values(made, "calls_total")[1:] == [(60_000, 1.0), (60_001, 2.0), (60_002, 3.0)]


def test_what_was_counted_down_goes_by_its_name_alone() -> None:
    made = mapped((0, {CALLS: Summary(1, 3.0)}), (10, {CALLS: Summary(1, -1.0)}))
    assert values(made, "calls_total") == [(1, 0.0), (10_000, 3.0)]
    assert values(made, "calls") == [(20_000, 2.0)]


def test_gauges_are_in_order_and_one_at_a_time() -> None:
    depth = Series(GAUGE, "depth", "here")
    readings = [(50, 5.0), (0, 1.0), (50, 6.0)]
    made = mapped(*((after, {depth: Summary(1, value, last=value)}) for after, value in readings))
    assert values(made, "depth") == [(10_000, 1.0), (60_000, 6.0)]
    assert made.items[0].measurements == 3


def test_a_timer_is_a_classic_histogram() -> None:
    work = Series(TIMER, "work", "here")
    made = mapped((0, {work: timer(0.3, 0.7)}), (10, {work: timer(0.2)}))
    for name, expected in (
        ("work_seconds_bucket{0.25}", [0.0, 0.0, 1.0]),
        ("work_seconds_bucket{0.5}", [0.0, 1.0, 2.0]),
        ("work_seconds_bucket{+Inf}", [0.0, 2.0, 3.0]),
        ("work_seconds_count", [0.0, 2.0, 3.0]),
        ("work_seconds_sum", [0.0, 1.0, 1.2]),
    ):
        assert values(made, name) == list(zip((1, 10_000, 20_000), expected, strict=True))


def test_or_a_native_one() -> None:
    made = mapped((0, {Series(TIMER, "work", "here"): timer(0.3, 0.7)}), native=True)
    one = series_of(made.items[0].content)["work_seconds"]
    assert [(read.timestamp - MS, read.count_int) for read in one.histograms] == [
        (1, 0),
        (10_000, 2),
    ]


def test_series_that_become_one_are_added_up_and_what_is_not_finite_is_left_out() -> None:
    made = mapped(
        (
            0,
            {
                Series(COUNTER, "a.b", "here"): Summary(1, 1.0),
                Series(COUNTER, "a-b", "here"): Summary(2, 2.0),
                Series(GAUGE, "x", "here"): Summary(3, inf),
            },
        )
    )
    assert values(made, "a_b_total")[-1][1] == 3.0
    assert (made.not_finite, dict(made.merged)) == (3, {"a-b": 2})
