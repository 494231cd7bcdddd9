"""Batches in, snapshots out, and every measurement accounted for."""

import json
import random
import sys
from array import array
from collections.abc import Iterable, Mapping
from math import inf, isfinite, nan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zibrato.daemon.aggregation import Aggregator
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.levels import EVERYTHING, LevelFilter
from zibrato.model import COUNTER, GAUGE, MAX_EXACT_INT, TIMER, Series, Snapshot, Summary
from zibrato.wire import Batch, CounterRow, SampleRow, pack

NOW = 1_700_000_005.0
START = 1_700_000_000.0
HUGE = sys.float_info.max
Tags = Mapping[str, str]


class Setup:
    """An aggregator with intervals of 10 seconds, and short ways to use it."""

    def __init__(self, levels: LevelFilter = EVERYTHING, max_series: int = 1000) -> None:
        self.metrics = SelfMetrics()
        self.aggregator = Aggregator(
            self.metrics, interval=10.0, source="here", levels=levels, max_series=max_series
        )
        self.snapshots: list[Snapshot] = []

    def add(
        self,
        counters: Iterable[CounterRow] = (),
        timers: Iterable[SampleRow] = (),
        gauges: Iterable[SampleRow] = (),
        *,
        start: float = NOW,
        end: float | None = None,
        now: float = NOW,
    ) -> None:
        end = start if end is None else end
        self.aggregator.add(
            Batch(1, "c", 1, start, end, list(counters), list(timers), list(gauges)), now
        )

    def close(self, before: float = inf) -> list[Snapshot]:
        self.snapshots += (fresh := self.aggregator.close(before))
        return fresh

    def only(self) -> tuple[Series, Summary]:
        """Close all; return the only series and its summary."""
        (snapshot,) = self.close()
        ((series, summary),) = snapshot.summaries.items()
        return series, summary

    def rejected(self) -> dict[str, int]:
        return {
            dict(tags)["reason"]: count
            for (name, tags), count in self.metrics.totals.items()
            if name == "zibrato.intake.rejected"
        }

    def account(self) -> dict[str, int]:
        """Assert that nothing is unaccounted for; return where it all went."""
        names = {
            "received": "zibrato.intake.received",
            "rejected": "zibrato.intake.rejected",
            "filtered": "zibrato.intake.filtered",
            "dropped": "zibrato.intake.dropped",
        }
        counts = {short: self.metrics.total(name) for short, name in names.items()}
        counts["aggregated"] = self.aggregator.pending
        counts["aggregated"] += sum(snapshot.measurements for snapshot in self.snapshots)
        assert all(count >= 0 for count in counts.values())
        received = counts.pop("received")
        assert received == sum(counts.values())
        return {name: count for name, count in counts.items() if count}


def counter(
    *,
    name: str = "a",
    count: int = 1,
    total: float = 1.0,
    level: str = "info",
    source: str | None = None,
    tags: Tags | None = None,
) -> CounterRow:
    return CounterRow(name, level, source, dict(tags or {}), count, total)


def samples(
    *values: float,
    name: str = "a",
    level: str = "info",
    source: str | None = None,
    tags: Tags | None = None,
) -> SampleRow:
    return SampleRow(name, level, source, dict(tags or {}), pack(array("d", values)))


# Counters.


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
    for _ in range(50):
        setup.add(timers=[samples(*[1.0] * 100)])
    (interval,) = setup.aggregator._intervals.values()
    (entry,) = interval.entries.values()
    assert len(entry._fresh) < 1024
    assert setup.only()[1].count == 5000


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
        json.dumps(summary[:6], allow_nan=False)
    by_kind = {series.kind: summary for series, summary in snapshot.summaries.items()}
    assert by_kind[TIMER][:5] == (3, HUGE, 1e-320, HUGE, HUGE)
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


# Identity.


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


# Refusals.

LONG = "x" * 256
LONGEST = "x" * 255


@pytest.mark.parametrize(
    ("row", "reason", "count"),
    [
        (counter(name="", count=5), "name", 5),
        (counter(name=LONG, count=5), "name", 5),
        (counter(level="", count=5), "level", 5),
        (counter(level="a b", count=5), "level", 5),
        (counter(level="x" * 33, count=5), "level", 5),
        (counter(level="\ud800", count=5), "level", 5),
        (counter(source=LONG, count=5), "source", 5),
        (counter(tags={"": "v"}, count=5), "tags", 5),
        (counter(tags={"k": ""}, count=5), "tags", 5),
        (counter(tags={LONG: "v"}, count=5), "tags", 5),
        (counter(tags={"k": LONG}, count=5), "tags", 5),
        (counter(tags={str(k): "v" for k in range(51)}, count=5), "tags", 5),
        (counter(count=5, total=nan), "value", 5),
        (counter(count=5, total=inf), "value", 5),
        (counter(count=5, total=-inf), "value", 5),
        (counter(count=0), "count", 1),
        (counter(count=-5), "count", 1),
        (counter(count=2**53 + 1), "count", 1),
        (counter(count=2**64 - 1), "count", 1),
        (samples(1, 2, name=""), "name", 2),
        (samples(1, 2, level="!"), "level", 2),
        (samples(1, 2, source=LONG), "source", 2),
        (samples(1, 2, tags={"": ""}), "tags", 2),
        (SampleRow("a", "info", None, {}, b"1234567"), "samples", 1),
        (SampleRow("a", "info", None, {}, b"123456789"), "samples", 1),
        (samples(nan, inf, -inf), "value", 3),
    ],
)
def test_what_is_out_of_bounds_is_rejected(
    row: CounterRow | SampleRow, reason: str, count: int
) -> None:
    setup = Setup()
    if isinstance(row, CounterRow):
        setup.add([row])
    else:
        setup.add(timers=[row])
    assert setup.rejected() == {reason: count}
    assert setup.account() == {"rejected": count}
    assert setup.aggregator.open_series == 0
    assert setup.close() == []


@pytest.mark.parametrize(
    "row",
    [
        counter(name=LONGEST),
        counter(name="\N{SNOWMAN} |\n\0"),
        counter(source=LONGEST),
        counter(tags={LONGEST: LONGEST}),
        counter(tags={str(k): "v" for k in range(50)}),
        counter(level="x" * 32),
        counter(count=MAX_EXACT_INT, total=-1e300),
    ],
)
def test_what_is_just_within_bounds_is_taken(row: CounterRow) -> None:
    setup = Setup()
    setup.add([row])
    assert setup.account() == {"aggregated": row.count}


def test_bad_samples_do_not_take_the_others_with_them() -> None:
    setup = Setup()
    setup.add(
        timers=[samples(1, nan, 2, -1e-9, inf, 3, -inf, -0.0)],
        gauges=[samples(nan, -5, inf, -7, -inf)],
    )
    assert setup.rejected() == {"value": 4 + 3}
    (snapshot,) = setup.close()
    by_kind = {series.kind: summary for series, summary in snapshot.summaries.items()}
    assert by_kind[TIMER][:4] == (4, 6.0, 0.0, 3.0)
    assert by_kind[GAUGE][:4] == (2, -12.0, -7.0, -5.0)
    assert by_kind[GAUGE].last == -7.0
    assert setup.account() == {"aggregated": 6, "rejected": 7}


def test_a_duration_below_0_is_rejected_and_a_reading_is_not() -> None:
    setup = Setup()
    setup.add(timers=[samples(-0.5, 2.0)], gauges=[samples(-0.5, 2.0)])
    assert setup.rejected() == {"value": 1}
    (snapshot,) = setup.close()
    assert [summary[:4] for summary in snapshot.summaries.values()] == [
        (1, 2.0, 2.0, 2.0),
        (2, 1.5, -0.5, 2.0),
    ]


def test_a_bad_row_does_not_take_the_others_with_it() -> None:
    setup = Setup()
    setup.add([counter(name=""), counter(count=2)], [samples(level="!"), samples(1.0)])
    assert setup.account() == {"aggregated": 3, "rejected": 1}


def test_a_row_without_samples_counts_nothing() -> None:
    setup = Setup()
    setup.add(timers=[samples(), samples(level="!")])
    assert setup.account() == {}
    assert setup.close() == []
    assert setup.aggregator.open_series == 0


# Levels.


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


# The bound on series.


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


# Intervals.


def starts(snapshots: Iterable[Snapshot]) -> list[float]:
    return [snapshot.start for snapshot in snapshots]


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


@pytest.mark.parametrize("interval", [0.1, 1.0, 7.0, 60.0])
def test_intervals_of_any_length_hold_what_falls_in_them(interval: float) -> None:
    aggregator = Aggregator(SelfMetrics(), interval=interval, source="here", max_series=100)
    rng = random.Random(3)
    for _ in range(200):
        when = NOW - rng.uniform(0, 7000)
        aggregator.add(Batch(1, "c", 1, when, when, [counter()]), NOW)
        (snapshot,) = aggregator.close(NOW + interval)
        assert snapshot.start - 1e-6 <= when <= snapshot.end + 1e-6
        assert snapshot.end - snapshot.start == pytest.approx(interval)


# The account.

ODD_TEXT = st.sampled_from(["", "a", "b", LONGEST, LONG, "\ud800", "a|b\n", "\0"]) | st.text(
    st.characters(), max_size=5
)
ODD_LEVELS = ODD_TEXT | st.sampled_from(["info", "debug", "WARN", "30", "9" * 40, "audit", "i nfo"])
ODD_TAGS = st.dictionaries(ODD_TEXT, ODD_TEXT, max_size=2) | st.just(
    {str(number): "v" for number in range(51)}
)
ODD_FLOATS = st.floats() | st.sampled_from([0.0, -0.0, 1.0, -1.0, HUGE, -HUGE, nan, inf, -inf])
GOOD: tuple[st.SearchStrategy[Any], ...] = (
    st.sampled_from("abc"),
    st.sampled_from(["info", "debug", "WARN"]),
    st.sampled_from([None, "there"]),
    st.sampled_from([{}, {"k": "v"}]),
)
ODD: tuple[st.SearchStrategy[Any], ...] = (ODD_TEXT, ODD_LEVELS, st.none() | ODD_TEXT, ODD_TAGS)
COUNTS = st.integers(-(2**63), 2**64 - 1) | st.integers(-2, 10) | st.just(MAX_EXACT_INT)
PACKED = st.lists(ODD_FLOATS, max_size=6).map(lambda values: pack(array("d", values)))
COUNTERS = st.builds(CounterRow, *GOOD, COUNTS, ODD_FLOATS) | st.builds(
    CounterRow, *ODD, COUNTS, ODD_FLOATS
)
SAMPLES = st.builds(SampleRow, *GOOD, PACKED | st.binary(max_size=20)) | st.builds(
    SampleRow, *ODD, PACKED
)
TIMES = ODD_FLOATS | st.floats(NOW - 8000, NOW + 100)
BATCHES = st.builds(
    Batch,
    st.just(1),
    st.just("c"),
    st.just(1),
    TIMES,
    TIMES,
    st.lists(COUNTERS, max_size=4),
    st.lists(SAMPLES, max_size=4),
    st.lists(SAMPLES, max_size=4),
)


@settings(deadline=None)
@given(
    st.lists(BATCHES, max_size=6),
    st.integers(0, 4) | st.just(1000),
    st.sampled_from(["", "info", "warning+", "debug,audit"]),
    st.data(),
)
def test_every_measurement_is_accounted_for(
    batches: list[Batch], max_series: int, levels: str, data: st.DataObject
) -> None:
    setup = Setup(LevelFilter.parse(levels), max_series)
    for batch in batches:
        setup.aggregator.add(batch, NOW)
        setup.account()
        assert setup.aggregator.open_series <= max_series
        if data.draw(st.booleans()):
            setup.close(data.draw(st.floats(NOW - 8000, NOW + 100)))
            setup.account()
    setup.close()
    assert setup.aggregator.pending == 0
    assert setup.aggregator.open_series == 0
    setup.account()
    for snapshot in setup.snapshots:
        assert NOW - 7210 <= snapshot.start <= NOW + 10
        for series, summary in snapshot.summaries.items():
            check_summary(series, summary)


def check_summary(series: Series, summary: Summary) -> None:
    """Assert what every backend may rely on."""
    assert 1 <= len(series.name) <= 255
    assert 1 <= len(series.source) <= 255
    assert list(series.tags) == sorted(series.tags)
    assert summary.count > 0
    assert all(isfinite(value) for value in summary[:6])
    assert (summary.distribution is not None) == (series.kind == TIMER)
    assert summary.min <= summary.max
    if summary.distribution is not None:
        assert summary.distribution.count == summary.count
        assert 0 <= summary.min <= summary.distribution.percentile(50) <= summary.max


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
