"""Each path once a time, one kind a path, and no measurement without a trace."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from tests.backends.pauses import run
from tests.backends.summaries import timed
from zibrato.backends.graphite.points import Mapped, Metric, Point, mapping
from zibrato.backends.graphite.sent import Sent
from zibrato.model import COUNTER, GAUGE, KINDS, TIMER, Series, Snapshot, Summary

TIME = 1_700_000_000
TAGS = ";level=info;source=s"


def mapped_all(*snapshots: Snapshot) -> tuple[Mapped, int]:
    """Return the result of a mapping, and how often it paused."""
    return run(mapping(snapshots))


def mapped(summaries: Mapping[Series, Summary]) -> Mapped:
    return mapped_all(Snapshot(TIME + 0.5, TIME + 10.5, summaries))[0]


def points(result: Mapped, sent: Sent[Metric] | None = None) -> list[Point]:
    made = [*result.points((50.0, 99.9, 50.0), sent or Sent())]
    assert len({(point.path, point.time) for point in made}) == len(made)
    return made


def values(result: Mapped, sent: Sent[Metric] | None = None) -> dict[str, float]:
    return {point.path.removesuffix(TAGS): point.value for point in points(result, sent)}


def test_all_kinds_at_the_start_of_their_interval() -> None:
    result = mapped(
        {
            Series(COUNTER, "c", "s"): Summary(3, 4.5),
            Series(TIMER, "t", "s"): timed(1.0, 2.0),
            Series(GAUGE, "g", "s"): Summary(2, 3.0, -1.0, 4.0, 17.0, -1.0),
        }
    )
    assert values(result) == {
        "c.count": 4.5,
        **{"t.count": 2, "t.sum": 3, "t.min": 1, "t.max": 2, "t.p50": 1, "t.p99_9": 2},
        "g": -1,
    }
    assert {point.time for point in points(result)} == {TIME}
    assert result.measurements == 7


def test_what_becomes_one_path_is_merged() -> None:
    result = mapped({Series(COUNTER, name, "s"): Summary(1, 2.0) for name in ("a b", "a/b")})
    assert values(result) == {"a-b.count": 4.0}
    assert result.measurements == 2


def test_two_snapshots_of_an_interval_are_one() -> None:
    one = Snapshot(TIME, TIME + 10, {Series(COUNTER, "c", "s"): Summary(1, 2.0)})
    other = one._replace(start=TIME + 10, end=TIME + 20)
    result, _ = mapped_all(one, other, one)
    assert [(point.value, point.time) for point in points(result)] == [(4, TIME), (2, TIME + 10)]


def test_what_comes_late_is_added_to_what_has_arrived() -> None:
    sent = Sent[Metric]()
    summaries = {
        Series(COUNTER, "c", "s"): Summary(1, 2.0),
        Series(TIMER, "t", "s"): timed(1.0, 2.0),
    }
    first = mapped(summaries)
    assert values(first, sent) == values(first, sent)  # it was tried, and has not arrived
    assert list(sent.adding(first.summaries)) == []
    late = mapped({**summaries, Series(TIMER, "t", "s"): timed(5.0)})
    expected = {"c.count": 4, "t.count": 3, "t.sum": 8, "t.min": 1, "t.max": 5}
    assert values(late, sent) == {**expected, "t.p50": 2, "t.p99_9": 5}
    assert late.measurements == 2


def test_a_path_is_of_one_kind() -> None:
    result = mapped(
        {
            Series(GAUGE, "a.count", "s"): Summary(1, 9.0, 9.0, 9.0, 81.0, 9.0),
            Series(GAUGE, "t.sum", "s"): Summary(1, 7.0, 7.0, 7.0, 49.0, 7.0),
            Series(TIMER, "a", "s"): timed(1.0, 1.0),
            Series(COUNTER, "a", "s"): Summary(4, 5.0),
            Series(TIMER, "t", "s"): timed(1.0),
        }
    )
    shown = values(result)
    assert (shown["a.count"], shown["t.sum"], shown["t.count"]) == (5, 7, 1)
    assert result.conflicting == {"a": 2, "a.count": 1}
    assert result.measurements == 6


def test_what_is_not_finite_is_told_of() -> None:
    result = mapped({Series(GAUGE, "g", "s"): Summary(4, inf)})
    assert (points(result), result.not_finite, result.measurements) == ([], {"g": 4}, 0)


def test_a_big_snapshot_leaves_others_their_turns() -> None:
    series = [Series(COUNTER, f"n{number}", "s") for number in range(1000)]
    _, pauses = mapped_all(Snapshot(TIME, TIME + 10, dict.fromkeys(series, Summary(1, 1.0))))
    assert pauses >= 12


SERIES = st.builds(
    Series,
    st.sampled_from(KINDS),
    st.sampled_from(["a", "a.count", "a count", "a.sum", "A", "é"]),
    st.sampled_from(["s", "s s", "s-s"]),
)


@given(st.lists(st.lists(SERIES, unique=True, max_size=8), max_size=3))
def test_each_measurement_arrives_or_is_told_of_once(snapshots: list[list[Series]]) -> None:
    result, _ = mapped_all(
        *(
            Snapshot(TIME, TIME + 10, {series: timed(1.0, 2.0) for series in snapshot})
            for snapshot in snapshots
        )
    )
    lost = result.conflicting.total() + result.not_finite.total()
    assert result.measurements + lost == 2 * sum(map(len, snapshots))
    assert len(points(result)) >= len(result.summaries)
