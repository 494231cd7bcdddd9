"""Each name and source once, one kind a name, and no measurement without a trace."""

from __future__ import annotations

from collections import Counter
from math import inf

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.backends.pauses import run
from tests.backends.summaries import timed
from zibrato.backends.librato.mapping import Mapped, mapping
from zibrato.backends.librato.requests import Item
from zibrato.distribution import Distribution
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Snapshot, Summary

PERCENTILES = (50.0, 99.9)
TIME = 1_700_000_000


def counter(name: str = "n", source: str = "s", **others: str) -> Series:
    return Series(COUNTER, name, source, tuple(others.items()))


def snapshot(summaries: dict[Series, Summary], start: float = TIME + 0.5) -> Snapshot:
    return Snapshot(start, start + 10, summaries)


def mapped_all(*snapshots: Snapshot) -> tuple[Mapped, int]:
    """Return the result of a mapping, and how often it paused."""
    return run(mapping(snapshots, PERCENTILES))


def mapped(summaries: dict[Series, Summary]) -> Mapped:
    return mapped_all(snapshot(summaries))[0]


class MappingTests(SynchronousTestCase):
    def test_a_series_is_an_item(self) -> None:
        result = mapped({counter(): Summary(3, 4.0)})
        self.assertEqual(result.items, [Item("n", "s", COUNTER, TIME, Summary(3, 4.0))])
        self.assertEqual(result[1:], (Counter(), Counter(), Counter()))

    def test_tags_and_levels_are_merged_quietly(self) -> None:
        result = mapped(
            {
                counter(): Summary(1, 1.0),
                counter(shop="a"): Summary(2, 2.0),
                counter()._replace(level="debug"): Summary(4, 4.0),
            }
        )
        self.assertEqual(result.items, [Item("n", "s", COUNTER, TIME, Summary(7, 7.0))])
        self.assertEqual(result.merged, {})

    def test_names_that_become_one_are_merged_and_counted(self) -> None:
        result = mapped(
            {
                counter("a b"): Summary(1, 1.0),
                counter("a-b"): Summary(2, 2.0),
                counter("A-b", "s"): Summary(4, 4.0),
                counter("a/b", "S"): Summary(8, 8.0),
            }
        )
        self.assertEqual(result.items, [Item("A-b", "s", COUNTER, TIME, Summary(15, 15.0))])
        self.assertEqual(result.merged, {"a b": 1, "a-b": 2, "a/b": 8})

    def test_a_legal_name_is_the_one_that_stands_for_all(self) -> None:
        result = mapped({counter("a b"): Summary(1, 1.0), counter("a-b"): Summary(2, 2.0)})
        self.assertEqual(result.merged, {"a b": 1})

    def test_sources_that_become_one_are_merged_and_counted(self) -> None:
        result = mapped(
            {counter(source="a/b"): Summary(1, 1.0), counter(source="a-b"): Summary(2, 2.0)}
        )
        self.assertEqual(result.items, [Item("n", "a-b", COUNTER, TIME, Summary(3, 3.0))])
        self.assertEqual(result.merged, {"a/b": 1})

    def test_sources_stay_apart(self) -> None:
        result = mapped(
            {counter(source="one"): Summary(1, 1.0), counter(source="two"): Summary(2, 2.0)}
        )
        self.assertEqual([item.source for item in result.items], ["one", "two"])

    def test_the_last_reading_of_merged_gauges_is_the_last_series(self) -> None:
        gauges = {
            Series(GAUGE, "g", "s", (("n", str(number)),)): Summary(
                1, number, number, number, 0.0, number
            )
            for number in range(7)
        }
        (item,) = mapped(gauges).items
        self.assertEqual(item.summary, Summary(7, 21, 0, 6, 0.0, 6))

    def test_percentiles_are_of_merged_distributions(self) -> None:
        result = mapped(
            {
                Series(TIMER, "t", "s"): timed(1.0, 2.0),
                Series(TIMER, "t", "s", level="debug"): timed(3.0, 4.0, 5.0),
            }
        )
        self.assertEqual([item.name for item in result.items], ["t", "t.p50", "t.p99.9"])
        self.assertEqual([item.gauge().value for item in result.items], [None, 3.0, 5.0])
        self.assertEqual([item.measurements for item in result.items], [5, 0, 0])

    def test_a_name_has_the_first_kind_of_counter_timer_gauge(self) -> None:
        series = [
            Series(GAUGE, "N", "s1"),
            Series(TIMER, "n", "s2"),
            Series(COUNTER, "n", "s3"),
            Series(GAUGE, "other", "s4"),
            Series(TIMER, "other", "s5"),
        ]
        for order in (series, series[::-1]):
            result = mapped({member: Summary(1 + series.index(member), 1.0) for member in order})
            kinds = {item.name: item.kind for item in result.items}
            self.assertEqual(kinds, {"n": COUNTER, "other": TIMER})
            self.assertEqual(result.conflicting, {"N": 1, "n": 2, "other": 4})

    def test_a_percentile_gives_way_to_a_series(self) -> None:
        result = mapped(
            {Series(TIMER, "t", "s"): timed(1.0), Series(GAUGE, "T.p50", "x"): Summary(1, 2.0)}
        )
        self.assertEqual([item.name for item in result.items], ["t", "t.p99.9", "T.p50"])
        self.assertEqual(result.conflicting, {"t.p50": 0})

    def test_equal_percentiles_are_one(self) -> None:
        work = mapping([snapshot({Series(TIMER, "t", "s"): timed(1.0)})], (50, 50.0))
        result, pauses = run(work)
        self.assertEqual(([item.name for item in result.items], pauses), (["t", "t.p50"], 0))

    def test_an_interval_that_is_there_twice_is_summed_up(self) -> None:
        parts = [snapshot({counter(): Summary(n, 1.0)}, TIME + 10 * (n % 2)) for n in range(1, 5)]
        result, _ = mapped_all(*parts)
        self.assertEqual(
            result.items,
            [
                Item("n", "s", COUNTER, TIME + 10, Summary(4, 2.0)),
                Item("n", "s", COUNTER, TIME, Summary(6, 2.0)),
            ],
        )

    def test_a_name_has_one_kind_an_interval(self) -> None:
        gauge = {Series(GAUGE, "n", "s"): Summary(1, 1.0)}
        result, _ = mapped_all(snapshot(gauge), snapshot({counter(): Summary(1, 1.0)}, TIME + 10))
        self.assertEqual([item.kind for item in result.items], [GAUGE, COUNTER])

    def test_many_small_intervals_pause_as_one_big_does(self) -> None:
        parts = [snapshot({counter(): Summary(1, 1.0)}, TIME + n) for n in range(1000)]
        self.assertEqual(mapped_all(*parts)[1], 8)

    def test_a_sum_that_is_no_number_is_set_aside(self) -> None:
        result = mapped({counter("a b"): Summary(3, inf), counter("nan"): Summary(1, inf - inf)})
        self.assertEqual((result.items, result.not_finite), ([], {"a-b": 3, "nan": 1}))

    def test_pauses_now_and_then(self) -> None:
        self.assertEqual(mapped_all(snapshot({counter(): Summary(1, 1.0)}))[1], 0)
        many = {counter(f"n{number}"): Summary(1, 1.0) for number in range(1000)}
        result, pauses = mapped_all(snapshot(many))
        self.assertEqual(len(result.items), 1000)
        self.assertGreaterEqual(pauses, 4)

    def test_a_name_with_a_thousand_tags_merges_all(self) -> None:
        series = {counter(tag=str(number)): Summary(1, 1.0) for number in range(1001)}
        (item,) = mapped(series).items
        self.assertEqual(item.summary.count, 1001)


NAMES = st.sampled_from(["a", "A", "a b", "a-b", "a/b", "a.p50", "b", "all"])
SERIES = st.builds(
    Series,
    st.sampled_from([COUNTER, TIMER, GAUGE]),
    NAMES,
    NAMES,
    st.sampled_from([(), (("k", "v"),)]),
    st.sampled_from(["info", "debug"]),
)


class AccountTests(SynchronousTestCase):
    @given(st.dictionaries(SERIES, st.tuples(st.integers(1, 9), st.sampled_from([1.0, inf]))))
    def test_each_measurement_has_one_fate_and_each_key_one_item(
        self, counts: dict[Series, tuple[int, float]]
    ) -> None:
        summaries = {}
        for series, (count, total) in counts.items():
            distribution = Distribution([1.0]) if series.kind == TIMER else None
            summaries[series] = Summary(count, total, distribution=distribution)
        result = mapped(summaries)
        kept = sum(item.measurements for item in result.items)
        lost = result.conflicting.total() + result.not_finite.total()
        self.assertEqual(kept + lost, sum(count for count, _ in counts.values()))
        self.assertLessEqual(result.merged.total(), kept)
        keys = [item.key for item in result.items]
        self.assertEqual(len(keys), len(set(keys)))
        owners: dict[str, set[tuple[str, float | None]]] = {}
        for item in result.items:
            owners.setdefault(item.key[0], set()).add((item.kind, item.percent))
        self.assertTrue(all(len(member) == 1 for member in owners.values()))
