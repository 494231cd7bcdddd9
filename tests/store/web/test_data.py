"""What the page asks for under /data."""

from __future__ import annotations

import pytest

from tests.store.cases import START, snapshot
from tests.store.web.cases import WebTestCase
from zibrato.store.api.responses import ApiError
from zibrato.store.web.data import MAX_SERIES, series_ids


class DataTests(WebTestCase):
    def test_a_plot_has_columns_for_each_series_and_all_merged(self) -> None:
        for start in (START - 20, START - 10):
            self.outbox.put(snapshot(start, 2.0))
        ids = {each["kind"]: each["id"] for each in self.get("/data/series")["series"]}
        span = f"start={START - 20}&end={START}&points=20"
        found = self.get(f"/data/plot?ids={ids['counter']}&{span}")
        self.assertEqual(found["times"], [START - 20, START - 10])
        self.assertEqual(found["series"][0]["sum"], [2.0, 2.0])
        self.assertEqual(found["merged"]["count"], [1, 1])
        self.assertIsNone(found["heat"])
        found = self.get(f"/data/plot?ids={ids['timer']}&{span}")
        self.assertEqual(found["merged"]["p50"], [1.0, 1.0])
        bounds, counts = found["heat"]["bounds"], found["heat"]["counts"]
        self.assertEqual((bounds[0], bounds[-1]), (1.0, 2.0))
        self.assertEqual([sum(row) for row in counts], [2, 2])
        self.assertTrue(all(len(row) == len(bounds) - 1 <= 60 for row in counts))
        found = self.get(f"/data/plot?ids={ids['timer']}&start={START - 20}&end={START}&points=1")
        self.assertEqual(found["merged"]["count"], [4])

    def test_a_plot_of_nothing_is_empty(self) -> None:
        self.assertEqual(self.get("/data/plot?ids=99&start=1&end=2")["times"], [])
        for query in ("", "ids=x", "ids=1&start=5&end=5", "ids=1&points=0", "ids=1&start=x"):
            self.assertEqual(self.ask("GET", f"/data/plot?{query}")[0], 400)

    def test_the_list_has_all_series_and_the_daemons_own_are_its_health(self) -> None:
        self.outbox.put(snapshot(START))
        content = self.get("/data/series")
        self.assertEqual((content["now"], content["interval"]), (START, 10.0))
        self.assertEqual([one["name"] for one in content["series"]], ["counter", "timer", "gauge"])
        self.assertEqual(self.headers.getRawHeaders("cache-control"), ["no-store"])
        self.assertEqual(self.get("/data/health"), {"series": []})

    def test_a_series_that_is_not_there_is_left_out(self) -> None:
        self.outbox.put(snapshot(START))
        (first, *_) = self.get("/data/series")["series"]
        content = self.get(f"/data/plot?ids={first['id']},99&start={START}&end={START + 10}")
        self.assertEqual([one["id"] for one in content["series"]], [first["id"]])

    def test_annotations_are_marked_with_their_stream(self) -> None:
        for stream, start in (("a", START - 10), ("b", START)):
            content = {"title": "t", "start_time": start, "source": "s"}
            self.ask("POST", f"/v1/annotations/{stream}", content)
        path = f"/data/annotations?start={START - 5}&end={START + 5}"
        marker = {"stream": "b", "title": "t", "start": START, "end": None, "source": "s",
                  "description": None}  # fmt: skip
        self.assertEqual(self.get(path), [marker])


def test_ids_are_bounded() -> None:
    assert series_ids("1,2,x,3") == [1, 2, 3]
    assert len(series_ids(",".join(map(str, range(MAX_SERIES))))) == MAX_SERIES
    for text in ("", "x", "-1", "9" * 12, ",".join(map(str, range(MAX_SERIES + 1)))):
        with pytest.raises(ApiError):
            series_ids(text)
