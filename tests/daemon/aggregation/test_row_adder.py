"""What is out of bounds is rejected, counted by reason, and takes nothing else with it."""

from math import inf, nan

import pytest
from msgspec.structs import astuple

from tests.daemon.aggregation.aggregators import LONG, LONGEST, Setup, counter, samples
from zibrato.model import GAUGE, MAX_EXACT_INT, TIMER
from zibrato.wire import CounterRow, SampleRow


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
    assert astuple(by_kind[TIMER])[:4] == (4, 6.0, 0.0, 3.0)
    assert astuple(by_kind[GAUGE])[:4] == (2, -12.0, -7.0, -5.0)
    assert by_kind[GAUGE].last == -7.0
    assert setup.account() == {"aggregated": 6, "rejected": 7}


def test_a_duration_below_0_is_rejected_and_a_reading_is_not() -> None:
    setup = Setup()
    setup.add(timers=[samples(-0.5, 2.0)], gauges=[samples(-0.5, 2.0)])
    assert setup.rejected() == {"value": 1}
    (snapshot,) = setup.close()
    assert [astuple(summary)[:4] for summary in snapshot.summaries.values()] == [
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


def test_bad_samples_do_not_pass_among_many_good_ones() -> None:
    good = samples(*[0.5] * 600)
    broken = SampleRow("a", "info", None, {}, good.samples[:-1])
    setup = Setup()
    setup.add(timers=[good, samples(*[0.5] * 600, -1.0), samples(nan), good])
    assert setup.rejected() == {"value": 2}
    setup.add(timers=[good, broken])
    setup.add(timers=[good, good])
    assert setup.rejected() == {"value": 2, "samples": 1}
    assert setup.account() == {"aggregated": 6 * 600, "rejected": 3}
