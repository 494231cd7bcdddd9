"""Composite queries of what the file has."""

from __future__ import annotations

from urllib.parse import quote

from tests.store.cases import START
from tests.store.web.cases import WebTestCase

ONE = 's("b", "*")'


class CompositeTests(WebTestCase):
    def compose(self, text: str, more: str = "&resolution=1") -> tuple[int, dict[str, object]]:
        start = START - 600
        return self.ask("GET", f"/v1/metrics?compose={quote(text)}&start_time={start}{more}")

    def test_metrics_and_sources_in_any_case_by_period_and_function(self) -> None:
        start = START // 60 * 60 - 60
        for second, value in ((0, 1), (10, 2), (60, 4)):
            self.post(name="Cpu.0", value=value, source="Web", measure_time=start + second)
        self.post(name="cpu.1", value=7, measure_time=start)
        status, content = self.compose('s("cpu.*", "*", {function: "sum", period: "60"})')
        self.assertEqual((status, content["resolution"]), (200, 1))
        found = content["measurements"]
        assert isinstance(found, list)
        names = [(each["metric"]["name"], each["source"]["name"]) for each in found]
        self.assertEqual(names, [("Cpu.0", "Web"), ("cpu.1", "unassigned")])
        series = [
            {"measure_time": start, "value": 3.0}, {"measure_time": start + 60, "value": 4.0},
        ]  # fmt: skip
        self.assertEqual((found[0]["series"], found[0]["period"]), (series, 60))
        self.assertEqual(self.compose('s("cpu.1", "web")')[1]["measurements"], [])

    def test_the_resolution_is_that_of_the_file(self) -> None:
        query = f"/v1/metrics?compose={quote(ONE)}&resolution=1&start_time={START - 5 * 86400}"
        self.assertEqual(self.get(query + f"&end_time={START - 5 * 86400 + 9}")["resolution"], 60)

    def test_too_many_series_are_rejected(self) -> None:
        gauges = [{"name": f"m.{number}", "value": 1} for number in range(501)]
        self.assertEqual(self.ask("POST", "/v1/metrics", {"gauges": gauges})[0], 200)
        status, content = self.compose('sum(s("m.*", "*"))')
        self.assertEqual(status, 200, content)
        for text, complaint in (
            ('sum([s("m.*", "*"), s("m.*", "*")])', "more than 1000 series"),
            ('median(s("m.*", "*"))', "'median' is not understood"),
        ):
            status, content = self.compose(text)
            self.assertEqual(status, 400)
            self.assertIn(complaint, str(content["errors"]))
