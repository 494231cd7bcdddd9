"""The JSON of each kind of item, and bodies of a legal size."""

from __future__ import annotations

import json
from math import inf
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from zibrato.backends.bisection import MAX_ITEMS
from zibrato.backends.librato.requests import Item, encoded
from zibrato.distribution import Distribution
from zibrato.model import COUNTER, GAUGE, TIMER, Summary

TIME = 1_700_000_000
HUGE = 1.7976931348623157e308


def gauge_of(item: Item) -> dict[str, Any]:
    (gauge,) = json.loads(encoded([item]))["gauges"]
    assert isinstance(gauge, dict)
    return gauge


class ItemTests(SynchronousTestCase):
    def test_a_counter_is_a_gauge_whose_sums_add_up(self) -> None:
        self.assertEqual(
            gauge_of(Item("n", "s", COUNTER, TIME, Summary(3, 7.5))),
            {
                "name": "n",
                "source": "s",
                "count": 3,
                "sum": 7.5,
                "attributes": {"summarize_function": "sum"},
            },
        )

    def test_one_increment_is_no_value(self) -> None:
        gauge = gauge_of(Item("n", "s", COUNTER, TIME, Summary(1, 0.0)))
        self.assertEqual((gauge["count"], gauge["sum"], "value" in gauge), (1, 0, False))

    def test_one_reading_is_a_value(self) -> None:
        item = Item("n", "s", GAUGE, TIME, Summary(1, -4.0, -4.0, -4.0, 16.0, -4.0))
        self.assertEqual(gauge_of(item), {"name": "n", "source": "s", "value": -4})

    def test_several_readings_are_summed_up(self) -> None:
        item = Item("n", "s", GAUGE, TIME, Summary(2, 4.0, 0.0, 4.0, 16.0, 4.0))
        self.assertEqual(
            gauge_of(item),
            {
                "name": "n",
                "source": "s",
                "count": 2,
                "sum": 4,
                "min": 0,
                "max": 4,
                "sum_squares": 16,
            },
        )

    def test_a_timer_is_summed_up_even_if_alone(self) -> None:
        summary = Summary(1, 0.5, 0.5, 0.5, 0.25, 0.5, Distribution([0.5]))
        self.assertEqual(
            gauge_of(Item("n", "s", TIMER, TIME, summary)),
            {
                "name": "n",
                "source": "s",
                "count": 1,
                "sum": 0.5,
                "min": 0.5,
                "max": 0.5,
                "sum_squares": 0.25,
            },
        )

    def test_a_percentile_is_a_value_of_no_weight(self) -> None:
        summary = Summary(3, 6.0, 1.0, 3.0, 14.0, 3.0, Distribution([1.0, 2.0, 3.0]))
        timer = Item("n", "s", TIMER, TIME, summary)
        percentile = timer._replace(name="n.p50", percent=50)
        self.assertEqual(gauge_of(percentile), {"name": "n.p50", "source": "s", "value": 2})
        self.assertEqual((timer.measurements, percentile.measurements), (3, 0))

    def test_a_sum_of_squares_that_overflowed_is_left_out(self) -> None:
        gauge = gauge_of(Item("n", "s", GAUGE, TIME, Summary(2, 1e200, 0.0, 1e200, inf, 0.0)))
        self.assertNotIn("sum_squares", gauge)
        self.assertEqual(gauge["sum"], 1e200)

    def test_case_makes_no_difference_to_the_key(self) -> None:
        item = Item("Name", "Source", COUNTER, TIME, Summary(1, 1.0))
        self.assertEqual(item.key, ("name", "source", ()))


class BodyTests(SynchronousTestCase):
    def test_the_biggest_is_well_under_a_megabyte(self) -> None:
        summary = Summary(2**62, -HUGE, -HUGE, -HUGE, HUGE, -HUGE)
        longest = Item("n" * 255, "s" * 255, GAUGE, TIME, summary)
        items = [longest._replace(measure_time=TIME + n) for n in range(MAX_ITEMS)]
        self.assertLess(len(encoded(items)), 300_000)

    def test_a_time_that_all_have_is_there_once(self) -> None:
        body = encoded([Item(name, "s", COUNTER, TIME, Summary(1, 1.0)) for name in "ab"])
        self.assertEqual(json.loads(body)["measure_time"], TIME)
        self.assertEqual(body.count(b"measure_time"), 1)

    def test_each_has_its_own_where_they_differ(self) -> None:
        items = [Item("n", "s", COUNTER, TIME + n, Summary(1, 1.0)) for n in range(2)]
        content = json.loads(encoded(items))
        self.assertEqual(list(content), ["gauges"])
        self.assertEqual([one["measure_time"] for one in content["gauges"]], [TIME, TIME + 1])
