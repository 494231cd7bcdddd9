"""What there is below /v1/measurements."""

from __future__ import annotations

from tests.store.cases import START
from tests.store.web.cases import WebTestCase


class MeasurementsTests(WebTestCase):
    def setUp(self) -> None:
        super().setUp()
        measurements = [
            {"name": "m", "value": value, "tags": {"host": host, "region": region}}
            for host, region, value in (("a", "us", 1), ("b", "us", 3), ("c", "eu", 10))
        ]
        content = {"measurements": measurements, "time": START}
        status, answer = self.ask("POST", "/v1/measurements", content)
        self.assertEqual(status, 202)
        self.assertEqual(answer["measurements"]["summary"]["accepted"], 3)

    def streams(self, query: str) -> dict[str, float]:
        found = self.get(f"/v1/measurements/m?duration=60&resolution=1&{query}")["series"]
        return {
            ",".join(stream["tags"].values()): stream["measurements"][0]["value"]
            for stream in found
        }

    def test_a_stream_for_each_set_of_tags(self) -> None:
        self.assertEqual(self.streams(""), {"a,us": 1, "b,us": 3, "c,eu": 10})

    def test_what_has_a_source_is_apart_from_what_has_it_as_a_tag(self) -> None:
        tagged = {"name": "both", "value": 2, "tags": {"source": "w"}}
        content = {"measurements": [tagged], "time": START}
        self.assertEqual(self.ask("POST", "/v1/measurements", content)[0], 202)
        self.post(name="both", value=4, source="w", measure_time=START)
        by_source = self.get("/v1/metrics/both?duration=60&resolution=1")["measurements"]
        self.assertEqual({source: e[0]["value"] for source, e in by_source.items()}, {"w": 4})
        self.assertEqual(by_source["w"][0]["count"], 1)
        path = "/v1/measurements/both?duration=60&resolution=1"
        streams = self.get(path)["series"]
        self.assertEqual([stream["tags"] for stream in streams], [{"source": "w"}] * 2)
        values = [stream["measurements"][0]["value"] for stream in streams]
        self.assertEqual(sorted(values), [2, 4])
        (merged,) = self.get(f"{path}&group_by=source&group_by_function=sum")["series"]
        self.assertEqual(merged["measurements"], [{"time": START, "value": 6}])

    def test_what_has_no_source_but_tags_is_none_of_the_source_api(self) -> None:
        self.assertEqual(self.get("/v1/metrics/m?duration=60")["measurements"], {})

    def test_tags_choose(self) -> None:
        self.assertEqual(self.streams("tags[region]=us"), {"a,us": 1, "b,us": 3})
        self.assertEqual(self.streams("tags[host]=a&tags[host]=c"), {"a,us": 1, "c,eu": 10})
        self.assertEqual(self.streams("tags_search=region=u*+and+host!=a"), {"b,us": 3})
        self.assertEqual(self.streams("tags_search=not+region=us"), {"c,eu": 10})
        self.assertEqual(self.streams("tags[region]=!us"), {"c,eu": 10})
        self.assertEqual(self.streams("tags[rack]=*"), {})
        self.assertEqual(len(self.streams("tags[!rack]=1")), 3)
        search = "tags_search=region=eu+or+(region=us+and+host=a)"
        self.assertEqual(self.streams(search), {"a,us": 1, "c,eu": 10})
        self.assertEqual(self.ask("GET", "/v1/measurements/m?tags_search=((")[0], 400)

    def test_groups_merge_streams(self) -> None:
        self.assertEqual(self.streams("group_by=region"), {"us": 2, "eu": 10})
        self.assertEqual(self.streams("group_by=rack"), {})
        self.assertEqual(self.streams("group_by=*&group_by_function=sum"), {"": 14})
        both = "/v1/measurements/m?duration=60&group_by=host&summary_function=all"
        self.assertEqual(self.ask("GET", both)[0], 400)
        self.assertEqual(self.streams("group_by=region&group_by_function=sum"), {"us": 4, "eu": 10})
        self.assertEqual(
            self.ask("GET", "/v1/measurements/m?group_by=host&group_by_function=x")[0], 400
        )

    def test_composites_are_rejected_clearly(self) -> None:
        for path in ("/v1/measurements?compose=s(1)", "/v1/metrics?compose=s(1)"):
            status, content = self.ask("GET", path)
            self.assertEqual(status, 400)
            self.assertIn("composite", content["errors"]["request"][0])
