"""Composite queries of what the file has."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tests.store.cases import START
from tests.store.web.cases import WebTestCase

ONE = 's("b", "*")'


class CompositeTests(WebTestCase):
    def compose(self, text: str, more: str = "&resolution=1") -> tuple[int, Any]:
        start = START - 600
        return self.ask("GET", f"/v1/metrics?compose={quote(text)}&start_time={start}{more}")

    def test_metrics_and_sources_in_any_case_by_period_and_function(self) -> None:
        start = START // 60 * 60 - 60
        for second, value in ((0, 1), (10, 2), (60, 4)):
            self.post(name="Cpu.0", value=value, source="Web", measure_time=start + second)
        self.post(name="cpu.1", value=7, measure_time=start)
        status, content = self.compose('s("cpu.*", "*", {function: "sum", period: "60"})')
        self.assertEqual((status, content["resolution"]), (200, 1))
        composed = content["measurements"]
        names = [(series["metric"]["name"], series["source"]["name"]) for series in composed]
        self.assertEqual(names, [("Cpu.0", "Web"), ("cpu.1", "unassigned")])
        series = [
            {"measure_time": start, "value": 3.0}, {"measure_time": start + 60, "value": 4.0},
        ]  # fmt: skip
        self.assertEqual((composed[0]["series"], composed[0]["period"]), (series, 60))
        self.assertEqual(self.compose('s("cpu.1", "web")')[1]["measurements"], [])

    def test_the_resolution_is_that_of_the_file(self) -> None:
        query = f"/v1/metrics?compose={quote(ONE)}&resolution=1&start_time={START - 5 * 86400}"
        self.assertEqual(self.get(query + f"&end_time={START - 5 * 86400 + 9}")["resolution"], 60)

    def test_a_function_that_is_not_known_is_named(self) -> None:
        status, content = self.compose('sort(s("m.*", "*"))')
        self.assertEqual(status, 400)
        self.assertIn("'sort' is not understood", str(content["errors"]))

    def test_the_same_by_tags(self) -> None:
        self.tagged("cpu", 1, 0, host="a")
        self.tagged("cpu", 3, 10, host="b")
        self.post(name="cpu", value=8, source="c", measure_time=START - 60)
        query = quote('s("cpu", "*", {function: "sum"})')
        content = self.get(f"/v1/measurements?compose={query}&duration=600&resolution=10")
        self.assertEqual((content["resolution"], content["links"]), (10, []))
        streams = [(one["tags"], one["measurements"]) for one in content["series"]]
        self.assertEqual(
            streams,
            [
                ({"host": "a"}, [{"time": START - 60, "value": 1.0}]),
                ({"host": "b"}, [{"time": START - 50, "value": 3.0}]),
                ({"source": "c"}, [{"time": START - 60, "value": 8.0}]),
            ],
        )
        self.assertEqual((content["series"][0]["metric"]["name"], content["series"][0]["period"]),
                         ("cpu", 10))  # fmt: skip

    def test_tags_are_shown_beside_the_source_too(self) -> None:
        self.tagged("cpu", 1, 0, host="a", az="x")
        self.tagged("cpu", 3, 0, host="b", az="x")
        (one,) = self.compose('sum(s("cpu", {host: "*"}))')[1]["measurements"]
        self.assertEqual((one["tags"], one["source"]["name"]), ({"az": "x"}, "*"))
        self.assertEqual([point["value"] for point in one["series"]], [4.0])
        self.assertEqual(self.compose('s("cpu", "*")')[1]["measurements"], [])

    def test_only_the_measurements_of_a_name_or_a_query(self) -> None:
        status, content = self.ask("GET", "/v1/measurements?duration=60")
        self.assertEqual((status, [*content["errors"]["params"]]), (400, ["compose"]))
        status, content = self.ask("GET", f"/v1/measurements?compose={quote(ONE)}&group_by=x")
        self.assertEqual((status, [*content["errors"]["params"]]), (400, ["group_by"]))

    def test_a_stored_composite_has_measurements(self) -> None:
        for source, value in (("a", 1), ("b", 2)):
            self.post(name="cpu", value=value, source=source, measure_time=START - 60)
        made = {"type": "composite", "composite": 'sum(s("cpu", "*"))', "display_name": "All"}
        self.assertEqual(self.ask("PUT", "/v1/metrics/all.cpu", made)[0], 201)
        metric = self.get("/v1/metrics/all.cpu")
        self.assertEqual((metric["type"], metric["composite"]), ("composite", made["composite"]))
        shown = self.get("/v1/metrics/all.cpu?duration=600&resolution=1")
        entry = {"measure_time": START - 60, "value": 3.0}
        self.assertEqual((shown["display_name"], shown["measurements"]), ("All", {"*": [entry]}))
        shown = self.get("/v1/measurements/all.cpu?duration=600&resolution=1")
        self.assertEqual(shown["type"], "composite")
        (stream,) = shown["series"]
        self.assertEqual(stream["measurements"], [{"time": START - 60, "value": 3.0}])
        for path in ("metrics/all.cpu?duration=60&sources=a", "measurements/all.cpu?group_by=x",
                     "metrics/all.cpu?format=csv", "measurements/all.cpu?format=csv"):  # fmt: skip
            self.assertEqual(self.ask("GET", f"/v1/{path}")[0], 400, path)

    def test_series_of_one_source_have_names_of_their_own(self) -> None:
        self.post(name="a", value=1, source="x")
        self.post(name="b", value=2, source="x")
        self.put('[s("a", "*"), s("b", "*"), sum(s("*", "*"))]')
        shown = self.get("/v1/metrics/made?duration=60")["measurements"]
        values = {name: [one["value"] for one in entries] for name, entries in shown.items()}
        self.assertEqual(values, {"x": [1.0], "x 2": [2.0], "x 3": [3.0]})

    def test_a_composite_that_is_not_understood_is_rejected(self) -> None:
        for composite, complaint in (
            ("sort(1)", "is rejected: 'sort' is not understood"),
            (None, "is not present"),
        ):
            fields = {"type": "composite", "composite": composite}
            status, content = self.ask("PUT", "/v1/metrics/made", fields)
            self.assertEqual(status, 400)
            self.assertIn(complaint, content["errors"]["params"]["composite"][0])
        self.put('s("a", "*")')
        self.assertEqual(self.ask("PUT", "/v1/metrics/made", {"composite": "x"})[0], 400)

    def test_composites_do_not_nest(self) -> None:
        self.put('s("a", "*")')
        status, content = self.compose('sum(s("Made", "*"))')
        self.assertEqual(status, 400)
        self.assertIn("'made' is a composite; write what it is made of", str(content))

    def put(self, composite: str) -> None:
        fields = {"type": "composite", "composite": composite}
        self.assertEqual(self.ask("PUT", "/v1/metrics/made", fields)[0], 201)

    def tagged(self, name: str, value: float, second: int, **tags: str) -> None:
        one = {"name": name, "value": value, "tags": tags, "time": START - 60 + second}
        self.assertEqual(self.ask("POST", "/v1/measurements", {"measurements": [one]})[0], 202)
