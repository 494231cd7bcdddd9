"""The web server's answers, without a network: the API, the page's data, and who is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from treq.testing import StubTreq
from twisted.web.test.requesthelper import DummyRequest

from tests.fake_reactor import FakeReactor
from tests.store.cases import START, StoreTestCase, snapshot
from zibrato.store.api.responses import error_response
from zibrato.store.web.access_control import AccessControl, Credentials, known_names
from zibrato.store.web.service import DEFAULT, WebService, is_local, tree

JSON = {"Content-Type": "application/json"}
BASE = "http://127.0.0.1:5580"


class WebTestCase(StoreTestCase):
    """Requests to all that is served."""

    credentials: Credentials | None = None

    def setUp(self) -> None:
        super().setUp()
        names = known_names(loopback=True)
        self.http: Any = StubTreq(AccessControl(tree(self.backend), names, self.credentials))
        self.addCleanup(self.stop)

    def ask(self, method: str, path: str, content: Any = None, **headers: str) -> tuple[int, Any]:
        """Return status and body of an answer; the body decoded where it is JSON."""
        data = None if content is None else json.dumps(content).encode()
        given = {**JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
        response = self.successResultOf(
            self.http.request(method, BASE + path, data=data, headers=given)
        )
        self.headers = response.headers
        body = self.successResultOf(response.content())
        kind = (response.headers.getRawHeaders("content-type") or [""])[0]
        return response.code, json.loads(body) if kind == "application/json" else body

    def get(self, path: str) -> Any:
        """Return what a good request gets."""
        status, content = self.ask("GET", path)
        self.assertEqual(status, 200, content)
        return content

    def post(self, **gauge: Any) -> None:
        """Post one gauge."""
        status, content = self.ask("POST", "/v1/metrics", {"gauges": [gauge]})
        self.assertEqual(status, 200, content)


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
        self.assertEqual(answer["errors"]["params"], {"name": ["a is a metric of another type"]})

    def test_the_list_is_paged_and_searched(self) -> None:
        for number in range(25):
            self.post(name=f"m.{number:02}", value=1)
        self.post(name="other_1", value=1)
        page = self.get("/v1/metrics?name=M.&offset=20&length=3")
        self.assertEqual(page["query"], {"found": 25, "length": 3, "offset": 20, "total": 25})
        self.assertEqual([each["name"] for each in page["metrics"]], ["m.20", "m.21", "m.22"])
        self.assertEqual(self.get("/v1/metrics?name=r_")["query"]["found"], 1)
        self.assertEqual(self.get("/v1/metrics?name=m_")["query"]["found"], 0)
        self.assertEqual(self.ask("GET", "/v1/metrics?length=101")[0], 400)

    def test_measurements_come_by_source_with_a_time_parameter_only(self) -> None:
        for source, value in (("a", 1), ("a", 3), ("b", 10)):
            self.post(name="m", source=source, value=value, measure_time=START)
        self.assertNotIn("measurements", self.get("/v1/metrics/m"))
        found = self.get(f"/v1/metrics/M?start_time={START - 10}&resolution=1")["measurements"]
        self.assertEqual(
            found["a"],
            [{"measure_time": START, "value": 2.0, "count": 2, "sum": 4.0, "min": 1.0, "max": 3.0,
              "sum_squares": 10.0, "last": 3.0}],
        )  # fmt: skip
        path = "/v1/metrics/m?duration=10&resolution=1&summarize_sources=true"
        found = self.get(f"{path}&sources[]=b*")
        self.assertEqual({source: e[0]["sum"] for source, e in found["measurements"].items()},
                         {"b": 10.0, "all": 10.0})  # fmt: skip
        found = self.get(f"{path}&breakout_sources=false")
        self.assertEqual(found["measurements"]["all"][0]["count"], 3)

    def test_the_newest_are_counted_by_source(self) -> None:
        for ago in range(5):
            self.post(name="m", value=ago, measure_time=START - ago)
        found = self.get("/v1/metrics/m?count=2&resolution=1")["measurements"]["unassigned"]
        self.assertEqual([each["value"] for each in found], [1.0, 0.0])

    def test_what_is_to_be_summed_is_summed(self) -> None:
        for _ in range(2):
            gauge = {"name": "c", "count": 2, "sum": 5, "attributes": {"summarize_function": "sum"}}
            self.post(**gauge, measure_time=START)
        (each,) = self.get("/v1/metrics/c?duration=60&resolution=60")["measurements"]["unassigned"]
        self.assertEqual((each["value"], each["count"]), (10.0, 4))
        (shown,) = self.get("/data/series")["series"]
        self.assertEqual(shown["kind"], "counter")

    def test_a_metric_is_described_made_and_deleted(self) -> None:
        self.post(name="m", value=1, description="old", attributes={"a": 1})
        changes = {"description": "new", "period": 60, "attributes": {"b": 2}}
        self.assertEqual(self.ask("PUT", "/v1/metrics/M", changes), (204, b""))
        found = self.get("/v1/metrics/m")
        self.assertEqual(found["attributes"], {"a": 1, "b": 2})
        self.assertEqual((found["description"], found["period"]), ("new", 60))
        self.assertEqual(self.ask("PUT", "/v1/metrics/n", {})[0], 404)
        self.assertEqual(self.ask("PUT", "/v1/metrics/n", {"type": "counter"})[0], 204)
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

    def test_an_unreasonable_resolution_is_refused(self) -> None:
        status, content = self.ask("GET", "/v1/metrics/m?start_time=0&resolution=1")
        self.assertEqual(status, 404)
        self.post(name="m", value=1)
        status, content = self.ask("GET", "/v1/metrics/m?start_time=0&resolution=1")
        self.assertEqual(status, 400)
        self.assertIn("try a different resolution", content["errors"]["request"][0])


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

    def test_tags_choose(self) -> None:
        self.assertEqual(self.streams("tags[region]=us"), {"a,us": 1, "b,us": 3})
        self.assertEqual(self.streams("tags[host]=a&tags[host]=c"), {"a,us": 1, "c,eu": 10})
        self.assertEqual(self.streams("tags_search=region=u*+and+host!=a"), {"b,us": 3})
        self.assertEqual(self.streams("tags_search=not+region=us"), {"c,eu": 10})
        self.assertEqual(self.ask("GET", "/v1/measurements/m?tags_search=((")[0], 400)

    def test_groups_merge_streams(self) -> None:
        self.assertEqual(self.streams("group_by=region"), {"us": 2, "eu": 10})
        self.assertEqual(self.streams("group_by=region&group_by_function=sum"), {"us": 4, "eu": 10})
        self.assertEqual(
            self.ask("GET", "/v1/measurements/m?group_by=host&group_by_function=x")[0], 400
        )

    def test_composites_are_refused_clearly(self) -> None:
        for path in ("/v1/measurements?compose=s(1)", "/v1/metrics?compose=s(1)"):
            status, content = self.ask("GET", path)
            self.assertEqual(status, 400)
            self.assertIn("composite", content["errors"]["request"][0])


class AnnotationsTests(WebTestCase):
    def test_the_life_of_an_event(self) -> None:
        content = {"title": "v1", "source": "web", "end_time": START + 5}
        status, event = self.ask("POST", "/v1/annotations/deploys", content)
        self.assertEqual((status, event["start_time"]), (201, START))
        path = f"/v1/annotations/deploys/{event['id']}"
        self.assertEqual(self.ask("PUT", path, {"title": "v2"})[1]["title"], "v2")
        link = {"rel": "github", "href": "https://example.com/1"}
        self.assertEqual(self.ask("POST", f"{path}/links", link)[0], 201)
        self.assertEqual(self.get(path)["links"], [{**link, "label": None}])
        self.assertEqual(self.get("/v1/annotations")["annotations"][0]["name"], "deploys")
        self.assertNotIn("events", self.get("/v1/annotations/deploys"))
        found = self.get(f"/v1/annotations/Deploys?start_time={START - 9}&end_time={START + 1}")
        self.assertEqual(found["events"]["web"][0]["title"], "v2")
        (shown,) = self.get(f"/data/annotations?start={START + 4}&end={START + 9}")
        self.assertEqual((shown["stream"], shown["end"]), ("deploys", START + 5))
        self.assertEqual(self.ask("DELETE", path), (204, b""))
        self.assertEqual(self.ask("GET", path)[0], 404)
        self.assertEqual(self.ask("DELETE", "/v1/annotations/deploys")[0], 204)
        self.assertEqual(self.ask("GET", "/v1/annotations/deploys")[0], 404)

    def test_what_is_wrong_is_named(self) -> None:
        for content, param in (
            ({}, "title"), ({"title": "a", "end_time": 3}, "end_time"),
            ({"title": "a", "source": "a b"}, "source"), ({"title": "a", "links": 3}, "links"),
        ):  # fmt: skip
            status, answer = self.ask("POST", "/v1/annotations/s", content)
            self.assertEqual((status, list(answer["errors"]["params"])), (400, [param]))


class PageTests(WebTestCase):
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

    def test_files_are_checked_anew_each_time(self) -> None:
        status, page = self.ask("GET", "/")
        self.assertEqual((status, b"<!doctype html>" in page.lower()), (200, True))
        (tag,) = self.headers.getRawHeaders("etag")
        self.assertEqual(self.headers.getRawHeaders("cache-control"), ["no-cache"])
        self.assertEqual(self.ask("GET", "/", if_none_match=tag), (304, b""))

    def test_nothing_else_can_be_had(self) -> None:
        for path in ("/static/..%2fweb.py", "/static/%2e%2e/web.py", "/static/", "/nix", "/v2/x",
                     "/static//etc/passwd", "/data/nix", "/v1/nix"):  # fmt: skip
            self.assertEqual(self.ask("GET", path)[0], 404, path)

    def test_a_get_changes_nothing(self) -> None:
        for path in ("/v1/metrics", "/v1/annotations/a", "/v1/metrics/m"):
            self.ask("GET", path, {"gauges": [{"name": "m", "value": 1}], "title": "t"})
        self.assertEqual(self.get("/v1/metrics")["query"]["total"], 0)
        self.assertIn(self.ask("PATCH", "/v1/metrics")[0], {404, 405})


class GuardTests(WebTestCase):
    def test_the_host_header_must_name_this_host(self) -> None:
        good = (
            "localhost",
            "LOCALHOST:5580",
            "127.0.0.1",
            "127.0.0.1:80",
            "[::1]:5580",
            "10.0.0.1",
        )
        for host in good:
            self.assertEqual(self.ask("GET", "/data/health", host=host)[0], 200, host)
        for host in (
            "evil.example",
            "localhost.evil.example:5580",
            "127.0.0.1.evil.example",
            "a b",
        ):
            self.assertEqual(self.ask("GET", "/data/health", host=host)[0], 403, host)

    def test_a_page_of_another_origin_can_change_nothing(self) -> None:
        content = {"gauges": [{"name": "m", "value": 1}]}
        for headers in ({"origin": "http://evil.example"}, {"origin": "null"},
                        {"sec_fetch_site": "cross-site"}):  # fmt: skip
            self.assertEqual(self.ask("POST", "/v1/metrics", content, **headers)[0], 403)
        same = {"origin": BASE, "sec_fetch_site": "same-origin"}
        self.assertEqual(self.ask("POST", "/v1/metrics", content, **same)[0], 200)

    def test_the_headers_leave_scripts_no_way(self) -> None:
        self.get("/data/health")
        (policy,) = self.headers.getRawHeaders("content-security-policy")
        self.assertIn("default-src 'none'; script-src 'self';", policy)
        self.assertNotIn("unsafe", policy)
        self.assertEqual(self.headers.getRawHeaders("x-content-type-options"), ["nosniff"])
        self.assertIsNone(self.headers.getRawHeaders("access-control-allow-origin"))

    def test_an_error_of_ours_closes_the_connection(self) -> None:
        self.stop()
        status, content = self.ask("GET", "/v1/metrics")
        self.assertEqual((status, list(content["errors"])), (503, ["system"]))
        request: Any = DummyRequest([])
        error_response(request, 503, {})  # treq shows no header of a connection
        self.assertEqual(request.responseHeaders.getRawHeaders("connection"), ["close"])

    def stop(self) -> None:
        """Stop once only."""
        if not self.outbox._stopped:
            super().stop()


class CredentialsTests(WebTestCase):
    def setUp(self) -> None:
        file = Path(self.mktemp())
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("user:pass:word\n")
        self.credentials = Credentials(file)
        super().setUp()

    def test_nothing_is_had_without_them(self) -> None:
        self.assertEqual(self.ask("GET", "/"), (401, b"Authorization Required"))
        for wrong in ("Basic eDp5", "Basic !", "Bearer x"):
            self.assertEqual(self.ask("GET", "/", authorization=wrong)[0], 401)
        right = "Basic dXNlcjpwYXNzOndvcmQ="
        self.assertEqual(self.ask("GET", "/data/health", authorization=right)[0], 200)
        self.assertNotIn("word", repr(self.credentials))

    def test_a_file_without_them_is_refused(self) -> None:
        for text in ("", "user", "user:", ":password", "a:b\nc:d"):
            file = Path(self.mktemp())
            file.write_text(text)
            self.assertRaises(ValueError, Credentials, file)
        self.assertRaises(ValueError, Credentials, Path("/nix/da"))


class EndpointTests(StoreTestCase):
    def test_only_loopback_needs_no_credentials(self) -> None:
        local = (DEFAULT, "tcp:0:interface=127.9.9.9", "tcp6:1:interface=\\:\\:1", "unix:/a/b")
        for description in local:
            self.assertTrue(is_local(description), description)
        for description in (
            "tcp:5580", "tcp:port=5580:interface=0.0.0.0", "tcp6:1:interface=\\:\\:", "ssl:1",
            "systemd:domain=INET:index=0", "tcp:1:interface=name",
        ):  # fmt: skip
            self.assertFalse(is_local(description), description)
        with self.assertRaisesRegex(ValueError, "give --web-credentials FILE"):
            WebService(FakeReactor(), self.backend, "tcp:5580", None)
