"""What there is below /v1/metrics."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from tests.store.cases import START, snapshot
from tests.store.web.cases import WebTestCase
from zibrato.store.db import event_bounds, series_bounds
from zibrato.store.db.writer import Writer

R = TypeVar("R")


class MetricsTests(WebTestCase):
    def test_all_or_nothing(self) -> None:
        gauges = [{"name": "good", "value": 1}, {"name": "bad", "value": "x"}]
        status, content = self.ask("POST", "/v1/metrics", {"gauges": gauges})
        self.assertEqual(status, 400)
        self.assertEqual(content, {"errors": {"params": {"value": ["is not a number"]}}})
        self.assertEqual(self.get("/v1/metrics")["query"]["total"], 0)

    def test_a_name_has_one_type(self) -> None:
        self.post(name="A", value=1)
        content = {"counters": [{"name": "a", "value": 1}]}
        status, answer = self.ask("POST", "/v1/metrics", content)
        self.assertEqual(status, 400)
        # statsd-librato-backend 2.0.16 reads from this text which metric it is to leave out.
        conflict = "'a' is a gauge, but was submitted as different type"
        self.assertEqual(answer, {"errors": {"params": {"type": [conflict]}}})

    def test_one_described_metric_too_many_is_an_error_of_its_name(self) -> None:
        self.patch(event_bounds, "MAX_BYTES", 105)
        self.post(name="a", value=1, description="A")
        self.post(name="b", value=1)
        gauges = {"gauges": [{"name": "c", "value": 1, "attributes": {"color": "#fff"}}]}
        self.assert_rejected(self.ask("POST", "/v1/metrics", gauges))
        for path, content in (
            ("/c", {"type": "gauge"}),
            ("/b", {"display_name": "B"}),
            ("", {"names": "*", "period": 60}),
        ):
            self.assert_rejected(self.ask("PUT", f"/v1/metrics{path}", content))
        names = [metric["name"] for metric in self.get("/v1/metrics")["metrics"]]
        self.assertEqual(names, ["a", "b"])

    def test_new_series_without_room_are_left_out(self) -> None:
        self.patch(series_bounds, "SHARE", (1 << 30) // 300)
        gauges = [{"name": name, "value": 1} for name in "abc"]
        self.assertEqual(self.ask("POST", "/v1/metrics", {"gauges": gauges})[0], 200)
        self.assertEqual([one.name for one in self.store.live.series(START)], ["a", "b"])

    def assert_rejected(self, answer: tuple[int, Any]) -> None:
        status, content = answer
        self.assertEqual((status, [*content["errors"]["params"]]), (400, ["name"]))
        (message,) = content["errors"]["params"]["name"]
        self.assertRegex(message, r"^2 described metrics would take 2\d\d bytes, of 105 at most")

    def test_what_is_excluded_is_not_deleted(self) -> None:
        for name in ("foo", "foobar", "foobaz", "other"):
            self.post(name=name, value=1)
        content = {"names": "fo*", "exclude": ["FOOBAR"]}
        self.assertEqual(self.ask("DELETE", "/v1/metrics", content)[0], 204)
        names = [metric["name"] for metric in self.get("/v1/metrics")["metrics"]]
        self.assertEqual(names, ["foobar", "other"])

    def test_the_list_is_locked_for_a_delete_in_the_writers_thread_alone(self) -> None:
        self.post(name="m", value=1)
        write, in_writer = self.database.write, [False]
        seen: list[tuple[bool, list[str]]] = []

        def noted_write(work: Callable[[Writer], R]) -> Deferred[R]:
            def noted(writer: Writer) -> R:
                in_writer[0] = True
                try:
                    return work(writer)
                finally:
                    in_writer[0] = False

            return write(noted)

        self.patch(self.database, "write", noted_write)
        self.patch(self.store.live, "remove", lambda names: seen.append((in_writer[0], names)))
        self.assertEqual(self.ask("DELETE", "/v1/metrics/m")[0], 204)
        self.assertEqual(seen, [(True, ["m"])])

    def test_a_delete_that_is_not_understood_deletes_nothing(self) -> None:
        self.post(name="foo", value=1)
        for content, param in (
            ({"names": "fo*", "except": ["foo"]}, "except"), ({"names": [1]}, "names"),
            ({"names": "fo*", "exclude": 3}, "exclude"), ({}, "names"),
        ):  # fmt: skip
            status, answer = self.ask("DELETE", "/v1/metrics", content)
            self.assertEqual((status, [*answer["errors"]["params"]]), (400, [param]))
        self.assertEqual(self.get("/v1/metrics")["query"]["found"], 1)

    def test_the_list_is_paged_and_searched(self) -> None:
        for number in range(25):
            self.post(name=f"m.{number:02}", value=1)
        self.post(name="other_1", value=1)
        page = self.get("/v1/metrics?name=M.&offset=20&length=3")
        self.assertEqual(page["query"], {"found": 25, "length": 3, "offset": 20, "total": 26})
        self.assertEqual([metric["name"] for metric in page["metrics"]], ["m.20", "m.21", "m.22"])
        self.assertEqual(self.get("/v1/metrics?name=r_")["query"]["found"], 1)
        self.assertEqual(self.get("/v1/metrics?name=m_")["query"]["found"], 0)
        self.assertEqual(self.ask("GET", "/v1/metrics?length=101")[0], 400)

    def test_measurements_come_by_source_with_a_time_parameter_only(self) -> None:
        for source, value in (("a", 1), ("a", 3), ("b", 10)):
            self.post(name="m", source=source, value=value, measure_time=START)
        self.assertNotIn("measurements", self.get("/v1/metrics/m"))
        measurements = self.get(f"/v1/metrics/M?start_time={START - 10}&resolution=1")[
            "measurements"
        ]
        self.assertEqual(
            measurements["a"],
            [{"measure_time": START, "value": 2.0, "count": 2, "sum": 4.0, "min": 1.0, "max": 3.0,
              "sum_squares": 10.0, "last": 3.0}],
        )  # fmt: skip
        path = "/v1/metrics/m?duration=10&resolution=1&summarize_sources=true"
        response = self.get(f"{path}&sources[]=b*")
        self.assertEqual({source: e[0]["sum"] for source, e in response["measurements"].items()},
                         {"b": 10.0, "all": 10.0})  # fmt: skip
        response = self.get(f"{path}&breakout_sources=false")
        self.assertEqual(response["measurements"]["all"][0]["count"], 3)

    def test_what_a_client_left_out_of_a_sum_is_not_answered(self) -> None:
        self.post(name="m", count=2, sum=6, min=1, max=5, measure_time=START)
        measurements = self.get("/v1/metrics/m?duration=10&resolution=1")["measurements"][
            "unassigned"
        ]
        self.assertEqual(
            measurements,
            [{"measure_time": START, "value": 3, "count": 2, "sum": 6, "min": 1, "max": 5}],
        )
        (shown,) = self.get("/data/series")["series"]
        self.assertEqual(shown["last"], 3)  # the page draws the mean instead

    def test_the_newest_are_counted_by_source(self) -> None:
        for ago in range(5):
            self.post(name="m", value=ago, measure_time=START - ago)
        measurements = self.get("/v1/metrics/m?count=2&resolution=1")["measurements"]["unassigned"]
        self.assertEqual([measurement["value"] for measurement in measurements], [1.0, 0.0])
        path = f"/v1/metrics/m?count=2&resolution=1&start_time={START - 3}"
        measurements = self.get(path)["measurements"]["unassigned"]
        self.assertEqual([measurement["value"] for measurement in measurements], [3.0, 2.0])

    def test_sources_are_summarized_over_time_and_grouped(self) -> None:
        for source, value, ago in (("a", 1, 10), ("a", 3, 0), ("b", 10, 0)):
            self.post(name="m", source=source, value=value, measure_time=START - ago)
        path = "/v1/metrics/m?duration=60&resolution=1"
        measurements = self.get(f"{path}&summarize_time=1&summarize_sources=1")["measurements"]
        sums = {
            source: [entry["sum"] for entry in entries] for source, entries in measurements.items()
        }
        self.assertEqual(sums, {"a": [4], "b": [10], "all": [14]})
        measurements = self.get(f"{path}&group_by=max&sources[]=a&sources[]=b")["measurements"]
        self.assertEqual([entry["value"] for entry in measurements["all"]], [1, 10])

    def test_many_metrics_are_described_at_once(self) -> None:
        for name in ("a.time", "b.time", "c"):
            self.post(name=name, value=1)
        content = {"names": "*.time", "display_units_short": "ms", "period": 60}
        self.assertEqual(self.ask("PUT", "/v1/metrics", content), (204, b""))
        units = {
            metric["name"]: metric["attributes"].get("display_units_short")
            for metric in self.get("/v1/metrics")["metrics"]
        }
        self.assertEqual(units, {"a.time": "ms", "b.time": "ms", "c": None})
        self.assertEqual(self.ask("PUT", "/v1/metrics", {"names": ["c"], "type": "x"})[0], 400)

    def test_subscribers_are_told_how_metrics_are_described(self) -> None:
        for name in ("a.time", "b.time", "c"):
            self.post(name=name, value=1)
        events: list[bytes] = []
        self.store.live.subscribers.append(events.append)
        self.ask("PUT", "/v1/metrics/A.time", {"display_name": "A", "display_units_short": "s"})
        self.ask("PUT", "/v1/metrics", {"names": "*.time", "display_name": None})
        self.ask("PUT", "/v1/metrics", {"names": "none", "display_name": "B"})
        told = [event.split(b"\n") for event in events]
        self.assertEqual([name for name, *_ in told], [b"event: descriptions"] * 2)
        self.assertEqual(
            [json.loads(data[6:]) for *_, data, _, _ in told],
            [
                [{"name": "a.time", "display_name": "A", "units": "s"}],
                [{"name": "a.time", "units": "s"}, {"name": "b.time"}],
            ],
        )

    def test_subscribers_are_told_what_measurements_say_of_metrics(self) -> None:
        events: list[bytes] = []
        self.store.live.subscribers.append(events.append)
        self.post(name="m", value=1)
        self.post(name="m", value=1, display_name="M")
        self.post(name="m", value=1, display_name="M")
        self.ask("POST", "/v1/metrics", {"counters": [{"name": "total", "value": 9}]})
        told = [event.split(b"\n") for event in events]
        self.assertEqual(
            [json.loads(lines[2][6:]) for lines in told if lines[0] == b"event: descriptions"],
            [[{"name": "m", "display_name": "M"}], [{"name": "total", "running": True}]],
        )

    def test_describing_many_spares_what_is_excluded(self) -> None:
        for name in ("my.1", "my.2", "my.3"):
            self.post(name=name, value=1)
        content = {"names": "my.*", "exclude": ["my.3", "*.2"], "display_max": 100}
        self.assertEqual(self.ask("PUT", "/v1/metrics", content), (204, b""))
        described = [name for name in ("my.1", "my.2", "my.3")
                     if "display_max" in self.get(f"/v1/metrics/{name}")["attributes"]]  # fmt: skip
        self.assertEqual(described, ["my.1"])

    def test_a_running_counter_has_deltas(self) -> None:
        for ago, value in ((20, 5), (10, 9), (0, 2)):
            counter = {"name": "c", "value": value, "measure_time": START - ago}
            self.assertEqual(self.ask("POST", "/v1/metrics", {"counters": [counter]})[0], 200)
        measurements = self.get("/v1/metrics/c?duration=60&resolution=1")["measurements"][
            "unassigned"
        ]
        deltas = [(entry["value"], entry.get("delta")) for entry in measurements]
        self.assertEqual(deltas, [(5, None), (9, 4), (2, None)])

    def test_what_is_not_supported_is_named(self) -> None:
        self.post(name="m", value=1)
        for path, param in (
            ("metrics?tags=x", "tags"), ("metrics/m?source_tag=x", "source_tag"),
            ("metrics/m?count=1&summarize_time=maybe", "summarize_time"),
            ("metrics/m?count=1&format=xml", "format"),
            ("metrics?compose=s()&group_by=x", "group_by"),
            ("measurements/m?count=1&group_by=a&group_by_function=p95", "group_by_function"),
            ("measurements/m?count=1&sources[]=a", "sources"),
            ("measurements/m?count=1&tags_search=((", "tags_search"),
            ("annotations?type=x", "type"), ("annotations/s?duration=9&count=1", "count"),
        ):  # fmt: skip
            status, answer = self.ask("GET", f"/v1/{path}")
            self.assertEqual((status, [*answer["errors"]["params"]]), (400, [param]), path)

    def test_what_is_to_be_summed_is_summed(self) -> None:
        for _ in range(2):
            gauge = {"name": "c", "count": 2, "sum": 5, "attributes": {"summarize_function": "sum"}}
            self.post(**gauge, measure_time=START)
        (measurement,) = self.get("/v1/metrics/c?duration=60&resolution=60")["measurements"][
            "unassigned"
        ]
        self.assertEqual((measurement["value"], measurement["count"]), (10.0, 4))
        (shown,) = self.get("/data/series")["series"]
        self.assertEqual(shown["kind"], "counter")

    def test_a_metric_is_described_made_and_deleted(self) -> None:
        self.post(name="m", value=1, description="old", attributes={"a": 1})
        changes = {"description": "new", "period": 60, "attributes": {"b": 2}}
        self.assertEqual(self.ask("PUT", "/v1/metrics/M", changes), (204, b""))
        metric = self.get("/v1/metrics/m")
        self.assertEqual(metric["attributes"], {"a": 1, "b": 2})
        self.assertEqual((metric["description"], metric["period"]), ("new", 60))
        self.assertEqual(self.ask("PUT", "/v1/metrics/n", {})[0], 404)
        self.assertEqual(self.ask("PUT", "/v1/metrics/n", {"type": "counter"})[0], 201)
        location = self.headers.getRawHeaders("location")
        self.assertEqual(location, ["/v1/metrics/n"])
        self.assertEqual(self.get("/v1/metrics/n")["type"], "counter")
        self.assertEqual(self.ask("DELETE", "/v1/metrics/m")[0], 204)
        self.assertEqual(self.ask("DELETE", "/v1/metrics/m")[0], 404)
        self.assertEqual(self.get("/data/series")["series"], [])
        self.assertEqual(self.ask("DELETE", "/v1/metrics", {"names": ["*"]})[0], 204)
        self.assertEqual(self.get("/v1/metrics")["metrics"], [])

    def test_csv_has_a_line_for_each_measurement(self) -> None:
        self.outbox.put(snapshot(START - 10, 2.0))
        lines = self.get("/v1/metrics/timer?duration=60&resolution=1&format=csv").decode().split()
        self.assertEqual(lines[0].split(",")[:3], ["time", "name", "source"])
        self.assertEqual(
            lines[1], f"{START - 10},timer,s,,info,timer,2,3.0,1.0,2.0,5.0,2.0,1.0,2.0,2.0"
        )

    def test_an_unreasonable_resolution_is_rejected(self) -> None:
        status, content = self.ask("GET", "/v1/metrics/m?start_time=0&resolution=1")
        self.assertEqual(status, 404)
        self.post(name="m", value=1)
        status, content = self.ask("GET", "/v1/metrics/m?start_time=0&resolution=1")
        self.assertEqual(status, 400)
        self.assertIn("try a different resolution", content["errors"]["request"][0])
