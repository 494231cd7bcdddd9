"""python-librato 3.1.0, unmodified, against the store: everything that it can ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import Any

import librato
import pytest
from librato.aggregator import Aggregator

from tests.integration.store_client import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = Store(Path(tmp_path_factory.mktemp("store")))
    with made.start():
        yield made


@pytest.fixture
def api(store: Store) -> Any:
    return librato.connect("user", "key", hostname=store.url[7:], protocol="http")


def entries(metric: Any) -> list[dict[str, Any]]:
    return [entry for source in metric.measurements.values() for entry in source]


def test_ten_thousand_measurements_through_a_queue_come_back_exactly(api: Any) -> None:
    now = int(time())
    expected: dict[tuple[str, str, int], float] = {}
    with api.new_queue() as queue:
        for number in range(10_000):
            name, source, when = f"q.{number % 50}", f"s{number % 4}", now - number // 50
            queue.add(name, number / 7, source=source, measure_time=when)
            expected[name, source, when] = number / 7
    assert len(expected) == 10_000
    answer = {
        (name, source, entry["measure_time"]): entry["value"]
        for name in {name for name, _, _ in expected}
        for metric in [api.get(name, start_time=now - 300, resolution=1)]
        for source, measurements in metric.measurements.items()
        for entry in measurements
    }
    assert answer == expected


def test_ten_thousand_measurements_through_an_aggregator_come_back_exactly(api: Any) -> None:
    aggregator = Aggregator(api, source="here", period=10)
    for number in range(10_000):
        aggregator.add("a.values", number)
    aggregator.submit()
    (entry,) = entries(api.get("a.values", count=1, resolution=1))
    total = sum(range(10_000))
    assert (entry["count"], entry["sum"], entry["min"], entry["max"]) == (10_000, total, 0, 9999)
    assert entry["value"] == total / 10_000
    assert entry["measure_time"] % 10 == 0


def test_an_aggregator_may_go_through_a_queue(api: Any) -> None:
    aggregator = Aggregator(api, source="here")
    for number in (1, 2, 3):
        aggregator.add("a.queued", number)
    aggregator.tags = {"host": "x"}
    aggregator.add_tagged("a.tagged", 5)
    queue = api.new_queue()
    queue.add_aggregator(aggregator)
    queue.submit()
    assert entries(api.get("a.queued", count=1, resolution=1))[0]["sum"] == 6
    (stream,) = api.get_tagged("a.tagged", duration=60)["series"]
    assert stream["tags"] == {"host": "x"}


def test_ten_thousand_tagged_measurements_come_back_exactly(api: Any) -> None:
    now = int(time())
    queue = api.new_queue(tags={"region": "eu"})
    expected = {}
    for number in range(10_000):
        tags = {"host": f"h{number % 10}"}
        when = now - number // 10 % 1000
        queue.add("tagged.q", number, tags=tags, inherit_tags=True, time=when)
        expected[f"h{number % 10}", when] = number
    queue.submit()
    answer = {
        (stream["tags"]["host"], measurement["time"]): measurement["value"]
        for stream in api.get_tagged("tagged.q", start_time=now - 2000)["series"]
        for measurement in stream["measurements"]
    }
    assert answer == expected
    answer = api.get_tagged("tagged.q", duration=2000, tags={"host": "h3"}, resolution=3600)
    assert [stream["tags"]["host"] for stream in answer["series"]] == ["h3"]
    grouped = api.get_tagged(
        "tagged.q", duration=2000, resolution=3600, group_by="region", group_by_function="sum",
        summary_function="count",
    )["series"]  # fmt: skip
    assert sum(one["value"] for one in grouped[0]["measurements"]) == 10_000


def test_submit_get_update_and_delete(api: Any) -> None:
    api.submit("temperature", 22.1, description="indoors", source="attic")
    api.submit("requests", 20, type="counter")
    gauge = api.get("temperature", count=1, resolution=1)
    assert isinstance(gauge, librato.Gauge)
    assert gauge.description == "indoors"
    assert gauge.measurements["attic"][0]["value"] == 22.1
    gauge.add(23, source="attic")
    counter = api.get("requests", count=1, resolution=1)
    assert isinstance(counter, librato.Counter)
    assert counter.measurements["unassigned"][0]["value"] == 20
    counter.add(21)
    api.update("temperature", display_name="Temperature", attributes={"color": "#f00"})
    assert api.get("temperature")["color"] == "#f00"
    api.delete("temperature")
    with pytest.raises(librato.exceptions.NotFound):
        api.get("temperature")
    api.submit("gone.1", 1)
    api.submit("gone.2", 1)
    api.delete(["gone.*"])
    assert api.list_metrics(name="gone") == []


def test_the_list_is_read_page_by_page(api: Any) -> None:
    with api.new_queue() as queue:
        for number in range(250):
            queue.add(f"page.{number:03}", number)
    names = [metric.name for metric in api.list_all_metrics(name="page.")]
    assert names == [f"page.{number:03}" for number in range(250)]
    assert len(api.list_metrics(name="page.", length=7, offset=3)) == 7


def test_what_is_wrong_is_an_exception_that_says_so(api: Any) -> None:
    with pytest.raises(librato.exceptions.BadRequest, match="name: is invalid"):
        api.submit("no good", 1)
    with pytest.raises(librato.exceptions.BadRequest, match="too far in the past"):
        api.submit("old", 1, measure_time=int(time()) - 8000)
    with pytest.raises(librato.exceptions.BadRequest, match="'sort' is not understood"):
        api.get_composite('sort(s("a", "*"))', start_time=int(time()) - 10)
    api.submit("typed", 1)
    with pytest.raises(librato.exceptions.BadRequest, match="submitted as different type"):
        api.submit("typed", 1, type="counter")


def test_annotations_from_first_to_last(api: Any) -> None:
    now = int(time())
    made = api.post_annotation(
        "deploys", title="v1", source="web", start_time=now, end_time=now + 9
    )
    api.post_annotation("deploys", title="v2", description="no source")
    assert [stream.name for stream in api.list_annotation_streams()] == ["deploys"]
    stream = api.get_annotation_stream("deploys", start_time=now - 60)
    assert {source: [e["title"] for e in events] for source, events in stream.events.items()} == {
        "web": ["v1"], "unassigned": ["v2"],
    }  # fmt: skip
    assert api.get_annotation("deploys", made["id"]).name == "deploys"
    assert api.update_annotation_stream("deploys", display_name="D").display_name == "D"
    api.delete_annotation_stream("deploys")
    with pytest.raises(librato.exceptions.NotFound):
        api.get_annotation_stream("deploys")


def test_a_composite_is_kept_and_has_measurements(api: Any, store: Store) -> None:
    now = int(time()) - 60
    for source, value in (("a", 1), ("b", 2)):
        api.submit("comp.kept", value, source=source, measure_time=now)
    api.create_composite("both", 'sum(s("comp.kept", "*"))', display_name="Both")
    (metric,) = api.list_metrics(name="both")
    assert metric.composite == 'sum(s("comp.kept", "*"))'
    kept = store.get(f"/v1/metrics/both?start_time={now - 5}&resolution=1")  # its get() can't
    assert (kept["display_name"], kept["composite"]) == ("Both", metric.composite)
    assert kept["measurements"] == {"*": [{"measure_time": now, "value": 3.0}]}
    (series,) = api.get_tagged("both", start_time=now - 5, resolution=1)["series"]
    assert series["measurements"] == [{"time": now, "value": 3.0}]
    with pytest.raises(librato.exceptions.BadRequest, match="composite: is rejected: 'sort'"):
        api.create_composite("wrong", 'sort(s("a", "*"))')
    api.delete("both")


def test_a_composite_query_is_answered_by_tags(api: Any, store: Store) -> None:
    now = int(time()) // 60 * 60 - 300
    queue = api.new_queue()
    for number, (region, host) in enumerate((("eu", "a"), ("eu", "b"), ("us", "a"))):
        for minute in (0, 2):
            tags = {"region": region, "host": host}
            queue.add("comp.tagged", 2**number, tags=tags, time=now + 60 * minute)
    queue.submit()
    query = 'group_by("region", sum(zero_fill(s("comp.tagged", {host: "*"}, {period: "60"}))))'
    answer = api.get_composite_tagged(query, start_time=now, end_time=now + 179, resolution=60)
    assert (answer["compose"], answer["resolution"]) == (query, 60)
    values = {
        one["tags"]["region"]: [point["value"] for point in one["measurements"]]
        for one in answer["series"]
    }
    assert values == {"eu": [3, 0, 3], "us": [4, 0, 4]}
    tagged = librato.connect("u", "k", hostname=store.url[7:], protocol="http", tags={"x": "y"})
    answer = tagged.get_composite('max(s("comp.tagged", {}))', start_time=now)
    assert [point["value"] for point in answer["series"][0]["measurements"]] == [4, 4]


def test_a_composite_query_is_of_each_source_and_of_an_earlier_time(api: Any) -> None:
    now = int(time()) - 100
    with api.new_queue() as queue:
        for source, spent, calls in (("web.1", 10.0, 5), ("web.2", 9.0, 3)):
            queue.add("gc.time", spent, source=source, measure_time=now)
            queue.add("gc.count", calls, source=source, measure_time=now)
            queue.add("gc.time", spent / 2, source=source, measure_time=now - 3600)
    query = 'map({source: "web.*"}, divide([s("gc.time", "&"), s("gc.count", "&")]))'
    answer = api.get_composite(query, start_time=now - 5)["measurements"]
    values = {one["source"]["name"]: one["series"][0]["value"] for one in answer}
    assert values == {"web.1": 2.0, "web.2": 3.0}
    query = 'timeshift("0,1h", sum(filter(s("gc.time", "*"), {gt: "4.7"})))'
    now_and_before = api.get_composite(query, start_time=now - 5)["measurements"]
    assert [one["series"] for one in now_and_before] == [
        [{"measure_time": now, "value": 19.0}], [{"measure_time": now, "value": 5.0}],
    ]  # fmt: skip


def test_a_composite_query_is_answered(api: Any) -> None:
    now = int(time()) - 60
    with api.new_queue() as queue:
        for number in range(3):
            for source, used in (("web.1", 10.0), ("web.2", 30.0), ("db", 500.0)):
                when = now + number * 10
                queue.add("comp.used", used + number, source=source, measure_time=when)
                queue.add("comp.total", 100, source=source, measure_time=when)
    share = 'divide([sum(s("comp.used", "web.*")), sum(s("comp.total", "web*"))])'
    query = f'scale({share}, {{factor: "100"}})'
    answer = api.get_composite(query, start_time=now - 5)
    assert (answer["compose"], answer["resolution"]) == (query, 1)
    (series,) = answer["measurements"]
    assert (series["metric"]["name"], series["source"]["name"]) == ("*", "*")
    assert series["series"] == [
        {"measure_time": now + number * 10, "value": pytest.approx(20 + number)}
        for number in range(3)
    ]
    answer = api.get_composite('derive(s("comp.us*", "web.1"))', start_time=now - 5)
    (series,) = answer["measurements"]
    assert (series["metric"]["name"], series["source"]["name"]) == ("comp.used", "web.1")
    assert [point["value"] for point in series["series"]] == [1, 1]


def test_a_source_gets_a_name_for_people(api: Any) -> None:
    api.submit("named", 1, source="web.1")
    api._mexe("sources/web.1", method="PUT", query_props={"display_name": "Web"})
    (source,) = api._mexe("sources", query_props={"name": "web.1"})["sources"]
    assert source == {"name": "web.1", "display_name": "Web"}
