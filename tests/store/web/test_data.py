"""What the page asks for under /data."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any
from weakref import WeakValueDictionary

import pytest
from treq import content
from treq.testing import RequestTraversalAgent
from twisted.web.http_headers import Headers

from tests.health_reports import healthy
from tests.store.cases import START, snapshot
from tests.store.web.cases import BASE, WebTestCase
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.health import CRITICAL, Problem
from zibrato.interfaces import DaemonInfo
from zibrato.model import COUNTER, Series, Snapshot, Summary
from zibrato.store.api.responses import ApiError
from zibrato.store.web.data import MAX_SERIES, PART, encoded_array, series_ids
from zibrato.store.web.service import tree


class DataTests(WebTestCase):
    def test_a_plot_has_columns_for_each_series_and_all_merged(self) -> None:
        for start in (START - 20, START - 10):
            self.outbox.put(snapshot(start, 2.0))
        ids = {one["kind"]: one["id"] for one in self.get("/data/series")["series"]}
        span = f"start={START - 20}&end={START}&points=20"
        plot = self.get(f"/data/plot?ids={ids['counter']}&{span}")
        self.assertEqual(plot["times"], [START - 20, START - 10])
        self.assertEqual(plot["series"][0]["sum"], [2.0, 2.0])
        self.assertEqual(plot["merged"]["count"], [1, 1])
        self.assertIsNone(plot["heat"])
        plot = self.get(f"/data/plot?ids={ids['timer']}&{span}")
        self.assertEqual(plot["merged"]["p50"], [1.0, 1.0])
        bounds, counts = plot["heat"]["bounds"], plot["heat"]["counts"]
        self.assertEqual((bounds[0], bounds[-1]), (1.0, 2.0))
        self.assertEqual([sum(row) for row in counts], [2, 2])
        self.assertTrue(all(len(row) == len(bounds) - 1 <= 60 for row in counts))
        plot = self.get(f"/data/plot?ids={ids['timer']}&start={START - 20}&end={START}&points=1")
        self.assertEqual(plot["merged"]["count"], [4])

    def test_what_librato_calls_a_counter_is_drawn_as_what_was_added(self) -> None:
        for ago, total in ((60, 100), (30, 130), (20, 135)):
            counters = [{"name": "total", "value": total, "measure_time": START - ago}]
            status, content = self.ask("POST", "/v1/metrics", {"counters": counters})
            self.assertEqual(status, 200, content)
        self.post(name="gauge", value=7)
        ids = {one["name"]: one["id"] for one in self.get("/data/series")["series"]}
        span = f"start={START - 100}&end={START}&points=10"
        plot = self.get(f"/data/plot?ids={ids['total']}&{span}")
        self.assertEqual((plot["running"], plot["times"][0]), (True, START - 50))
        self.assertEqual(plot["merged"]["sum"], [10, 10, 10, 5])
        self.assertEqual(plot["series"][0]["last"], [None] * 4)
        both = self.get(f"/data/plot?ids={ids['total']},{ids['gauge']}&{span}")
        self.assertEqual((both["running"], both["series"][0]["last"][0]), (False, 100))

    def test_a_plot_of_nothing_is_empty(self) -> None:
        self.assertEqual(self.get("/data/plot?ids=99&start=1&end=2")["times"], [])
        for query in ("", "ids=x", "ids=1&start=5&end=5", "ids=1&points=0", "ids=1&start=x"):
            self.assertEqual(self.ask("GET", f"/data/plot?{query}")[0], 400)

    def test_the_list_has_all_series(self) -> None:
        self.outbox.put(snapshot(START))
        content = self.get("/data/series")
        self.assertEqual((content["now"], content["interval"]), (START, 10.0))
        self.assertEqual(content["updates"], self.store.live.updates)
        self.assertEqual([one["name"] for one in content["series"]], ["counter", "timer", "gauge"])
        self.assertEqual(self.headers.getRawHeaders("cache-control"), ["no-store"])

    def test_what_was_said_of_a_metric_is_in_the_list(self) -> None:
        self.outbox.put(snapshot(START))
        self.ask("PUT", "/v1/metrics/Gauge", {
            "type": "gauge", "display_name": "Queue", "description": "How many wait",
            "attributes": {"display_units_short": "jobs", "display_units_long": "waiting jobs"},
        })  # fmt: skip
        self.ask("PUT", "/v1/metrics/long", {"type": "gauge", "attributes":
                                             {"display_units_long": "Items"}})  # fmt: skip
        self.ask("PUT", "/v1/metrics/none", {"type": "gauge", "attributes": {"color": "#fff"}})
        self.assertEqual(
            self.get("/data/series")["descriptions"],
            [
                {"name": "gauge", "display_name": "Queue", "description": "How many wait",
                 "units": "jobs"},
                {"name": "long", "units": "Items"},
            ],
        )  # fmt: skip

    def test_a_long_answer_is_compressed_for_those_who_take_that(self) -> None:
        many = {Series(COUNTER, f"n{i}", "s"): Summary(1, 1.0) for i in range(300)}
        self.outbox.put(Snapshot(START, START + 10, many))

        agent = RequestTraversalAgent(tree(self.store))  # treq itself asks for gzip, always

        def sent(path: str, accepted: str) -> tuple[bytes, Headers]:
            headers = Headers({"Accept-Encoding": [accepted]})
            asked = agent.request(b"GET", f"{BASE}{path}".encode(), headers)
            answer: Any = self.successResultOf(asked)
            agent.flush()
            return self.successResultOf(content(answer)), answer.headers

        plain, headers = sent("/data/series", "identity")
        self.assertIsNone(headers.getRawHeaders("content-encoding"))
        self.assertEqual(headers.getRawHeaders("vary"), ["Accept-Encoding"])
        short, headers = sent("/data/series", "gzip")
        self.assertEqual(headers.getRawHeaders("content-encoding"), ["gzip"])
        self.assertLess(len(short), len(plain) / 5)
        self.assertEqual(gzip.decompress(short), plain)
        self.assertEqual(sent("/data/annotations", "gzip")[0], b"[]")

    def test_health_is_of_this_daemon_and_its_clients_alone(self) -> None:
        self.assertEqual(self.get("/data/health")["series"], [])
        metrics = SelfMetrics()
        metrics.count("zibrato.intake.received", 7)
        metrics.gauge("zibrato.outbox.bytes", 5.0, backend="store")
        problem = Problem(CRITICAL, "librato can't deliver")
        self.store.daemon = DaemonInfo(
            10.0, "here", START - 60.0, lambda: ["ipc:///s"], metrics.current,
            health=lambda: healthy(problems=[problem], received_rate=2.5),
        )  # fmt: skip
        other = {"name": "zibrato.intake.received", "value": 500, "source": "elsewhere"}
        self.post(**other, attributes={"summarize_function": "sum"})
        self.post(**{**other, "name": "zibrato.client.dropped"})
        reported = Series(COUNTER, "zibrato.client.dropped", "web-1", (("reason", "full"),))
        for start in (START, START + 10):
            self.outbox.put(Snapshot(start, start + 10, {reported: Summary(1, 3.0)}))
        content = self.get("/data/health")
        series = content.pop("series")
        expected = {
            "source": "here", "started": START - 60.0, "addresses": ["ipc:///s"],
            "problems": [{"severity": "critical", "text": "librato can't deliver"}],
            "received_rate": 2.5,
        }  # fmt: skip
        self.assertEqual(content, expected)
        self.assertEqual(
            [(one["name"], one["tags"], one["last"], one["total"]) for one in series],
            [
                ("zibrato.intake.received", {}, None, 7),
                ("zibrato.outbox.bytes", {"backend": "store"}, 5.0, 0),
                ("zibrato.client.dropped", {"reason": "full"}, None, 6),
            ],
        )

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


class Item(dict[str, int]):
    """An object of JSON of which is known whether it is still there."""

    __slots__ = ("__weakref__",)


@pytest.mark.parametrize("count", [0, 1, PART, 5 * PART + 1])
def test_of_many_objects_few_are_there_at_once(count: int) -> None:
    alive: WeakValueDictionary[int, Item] = WeakValueDictionary()

    most = 0

    def items() -> Iterator[Item]:
        nonlocal most
        for number in range(count):
            alive[number] = item = Item(n=number)
            most = max(most, len(alive))
            yield item

    assert json.loads(b"".join(encoded_array(items()))) == [{"n": n} for n in range(count)]
    assert most <= 2 * PART + 1


def test_ids_are_bounded() -> None:
    assert series_ids("1,2,x,3") == [1, 2, 3]
    assert len(series_ids(",".join(map(str, range(MAX_SERIES))))) == MAX_SERIES
    for text in ("", "x", "-1", "9" * 12, ",".join(map(str, range(MAX_SERIES + 1)))):
        with pytest.raises(ApiError):
            series_ids(text)
