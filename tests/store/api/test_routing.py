"""Names of any kind in paths, and what all answers have."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from werkzeug.routing import Map

from tests.store.cases import START
from tests.store.web.cases import WebTestCase
from zibrato.model import COUNTER, Series, Snapshot, Summary
from zibrato.store.api.routing import Segment, quoted


@given(st.text())
def test_a_segment_comes_back_and_has_no_slash(text: str) -> None:
    segment = quoted(text.encode())
    assert b"/" not in segment
    assert Segment(Map()).to_python(segment.decode()) == text


class RoutingTests(WebTestCase):
    def test_a_name_may_have_slashes(self) -> None:
        series = Series(COUNTER, "GET /users", "s")
        self.outbox.put(Snapshot(START - 10, START, {series: Summary(1, 2.0)}))
        path = "/v1/metrics/GET%20%2Fusers"
        found = self.get(f"{path}?duration=60&resolution=1")
        self.assertEqual(found["measurements"]["s"][0]["value"], 2.0)
        (stream,) = self.get("/v1/measurements/GET%20%2Fusers?duration=60")["series"]
        self.assertEqual(stream["tags"], {"source": "s"})
        self.assertEqual(self.ask("PUT", path, {"display_name": "Users"})[0], 204)
        self.assertEqual(self.get(path)["display_name"], "Users")
        self.assertEqual(self.ask("DELETE", path)[0], 204)
        self.assertEqual(self.ask("GET", path)[0], 404)

    def test_a_star_in_a_path_is_a_star(self) -> None:
        for name in ("*", "other"):
            series = Series(COUNTER, name, "s")
            self.outbox.put(Snapshot(START - 10, START, {series: Summary(1, 2.0)}))
            self.assertEqual(self.ask("PUT", f"/v1/metrics/{name}", {"period": 1})[0], 204)
        self.assertEqual(self.ask("DELETE", "/v1/metrics/*")[0], 204)
        self.assertEqual(self.get("/v1/metrics/other")["name"], "other")

    def test_there_is_nothing_of_a_number_that_no_row_has(self) -> None:
        for number in ("10000000000000000000000", "9" * 5000, "-1", "1.0", "٣"):
            for path in (f"s/{number}", f"s/{number}/links/r"):
                self.assertEqual(self.ask("GET", f"/v1/annotations/{path}")[0], 404, path)

    def test_answers_tell_of_rate_limits(self) -> None:
        for path in ("/v1/metrics", "/v1/annotations/nix"):
            self.ask("GET", path)
            for name in ("X-Librato-RateLimit-Agg", "X-Librato-RateLimit-Std"):
                limit = f"limit=1000000,remaining=1000000,reset={START + 60}"
                self.assertEqual(self.headers.getRawHeaders(name), [limit])
