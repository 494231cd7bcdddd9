"""What of the file a composite query reads, and how much of it."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch
from urllib.parse import quote

from tests.store.cases import START
from tests.store.web.cases import WebTestCase
from zibrato.store.api.composite_input import points
from zibrato.store.api.requests import MAX_TIME
from zibrato.store.db.reader import Reader

HOUR = 3600


class CompositeInputTests(WebTestCase):
    def ask_for(self, text: str, more: str = "resolution=10", ago: int = 600) -> tuple[int, Any]:
        start = START - ago
        return self.ask("GET", f"/v1/measurements?compose={quote(text)}&start_time={start}&{more}")

    def values(self, text: str, more: str = "resolution=10") -> list[dict[int, float]]:
        """Return the values of each series, by seconds from now on."""
        status, content = self.ask_for(text, more)
        self.assertEqual(status, 200, content)
        return [
            {one["time"] - START: one["value"] for one in stream["measurements"]}
            for stream in content["series"]
        ]

    def test_a_time_is_shifted_to_the_one_that_is_asked_for(self) -> None:
        for ago, value in ((60, 5), (HOUR + 60, 2), (HOUR + 50, 3)):
            self.post(name="a", value=value, measure_time=START - ago)
        text = 'timeshift("0,1h", s("a", "*"))'
        self.assertEqual(self.values(text), [{-60: 5.0}, {-60: 2.0, -50: 3.0}])
        ratio = 'divide([s("a", "*"), timeshift("1h", s("a", "*"))])'
        self.assertEqual(self.values(ratio), [{-60: 2.5}])
        self.assertEqual(self.values('timeshift("+1h", s("a", "*"))'), [])

    def test_no_time_is_before_or_past_those_that_there_are(self) -> None:
        self.post(name="a", value=5, measure_time=START - 60)
        for shift, start in (("500w", 0), ("500w", 5), ("+500w", MAX_TIME - 9)):
            query = quote(f'timeshift("{shift}", s("a", "*"))')
            path = f"/v1/measurements?compose={query}&start_time={start}&end_time={start + 9}"
            self.assertEqual(self.get(path)["series"], [])

    def test_all_times_have_the_resolution_of_the_oldest(self) -> None:
        self.post(name="a", value=1, measure_time=START - 65)
        text = '[s("a", "*"), timeshift("5d", s("a", "*"))]'
        status, content = self.ask_for(text, "resolution=1")
        self.assertEqual((status, content["resolution"]), (200, 60))
        self.assertEqual(content["series"][0]["measurements"][0]["time"] % 60, 0)

    def test_periods_that_are_over_are_filled(self) -> None:
        for ago in (300, 100):
            self.post(name="a", value=7, measure_time=START - ago)
        (filled,) = self.values('zero_fill(s("a", "*", {period: "60"}))')
        first = -(START % 60)
        self.assertEqual(
            [*filled], [first - 60 * n for n in range(10, 0, -1) if first - 60 * n >= -600]
        )
        self.assertEqual(sorted(filled.values())[-2:], [7, 7])
        self.assertEqual(sum(filled.values()), 14)

    def test_the_period_may_be_that_of_the_metric(self) -> None:
        self.post(name="a", value=7, measure_time=START - 300)
        status, content = self.ask_for('zero_fill(s("a", "*"))')
        self.assertEqual(status, 400)
        self.assertIn("the period of 'a' is not known", content["errors"]["request"][0])
        self.assertEqual(self.ask("PUT", "/v1/metrics/a", {"period": 60})[0], 204)
        self.assertGreater(len(self.values('zero_fill(s("a", "*"))')[0]), 8)

    def test_only_series_of_the_names_are_looked_at(self) -> None:
        names = ("cpu.0", "CPU.1", "cpv", "ram", "cp")
        for name in names:
            self.post(name=name, value=1)
        looked_at: list[str] = []
        found = Reader.series_like

        def noted(reader: Reader, pattern: str) -> Any:
            for series_id, one in found(reader, pattern):
                looked_at.append(one.name)
                yield series_id, one

        self.patch(Reader, "series", lambda *_: self.fail("every series was loaded"))
        self.patch(Reader, "series_like", noted)
        self.values('s("cpu.*", "*")')
        self.assertEqual(sorted(looked_at), ["CPU.1", "cpu.0"])
        looked_at.clear()
        self.values('[s("RAM", "*"), s("c*v", "*")]')
        self.assertEqual(sorted(looked_at), ["CPU.1", "cp", "cpu.0", "cpv", "ram"])

    def test_too_many_series_are_rejected(self) -> None:
        for first in (0, 300):
            gauges = [{"name": f"m.{first + n}", "value": 1} for n in range(300)]
            self.assertEqual(self.ask("POST", "/v1/metrics", {"gauges": gauges})[0], 200)
        self.assertEqual(self.ask_for('sum(s("m.*", "*"))')[0], 200)
        with patch("zibrato.store.api.composite_input.MAX_SERIES", 599):
            self.rejected('sum(s("m.*", "*"))', "more than 599 series; name fewer")
        self.rejected('sum([s("m.*", "*"), s("m.*", "*")])', "more than 1000 series")

    def test_too_many_points_are_rejected(self) -> None:
        for ago in (50, 40, 30):
            self.post(name="a", value=1, measure_time=START - ago)
        with patch("zibrato.store.api.composite_input.MAX_POINTS", 5):
            self.assertEqual(len(self.values('s("a", "*")')[0]), 3)
            self.rejected('[s("a", "*"), s("a", "*")]', "more than 5 points; ask for a shorter")

    def test_what_is_past_all_floats_is_left_out(self) -> None:
        self.post(name="a", count=1 << 50, sum=1.0, measure_time=START - 50)
        counts = ", ".join(['s("a", "*", {function: "count"})'] * 25)
        path = f"/v1/metrics?duration=60&compose={quote(f'multiply([{counts}])')}"
        self.assertEqual([one["series"] for one in self.get(path)["measurements"]], [[]])

    def rejected(self, text: str, complaint: str) -> None:
        status, content = self.ask_for(text)
        self.assertEqual(status, 400)
        self.assertIn(complaint, str(content["errors"]))


def test_the_value_of_a_measurement_is_that_of_the_function() -> None:
    gauge = {"measure_time": 5, "value": 2.0, "count": 2, "sum": 6.0, "min": 1.0, "max": 5.0}
    counter = {"measure_time": 6, "value": 9.0, "count": 0, "sum": 9.0}
    both = [gauge, counter]
    assert points(both, None) == {5: 2.0, 6: 9.0}
    assert points(both, "mean") == {5: 3.0}
    assert points(both, "max") == {5: 5.0}
    assert points(both, "count") == {5: 2, 6: 0}
