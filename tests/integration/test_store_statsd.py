"""statsd and statsd-librato-backend of npm, unmodified, against the store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import npm
from tests.integration.processes import eventually
from tests.integration.statsd_server import StatsdServer
from tests.integration.store_client import Store


@pytest.fixture(scope="module")
def modules(pytestconfig: pytest.Config) -> Path:
    """Return where the packages are, which are installed once."""
    return npm.modules(pytestconfig)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = Store(Path(tmp_path_factory.mktemp("store")))
    with made.start():
        yield made


def flushing_to(store: Store, modules: Path, directory: Path) -> StatsdServer:
    """Return a statsd that flushes to a store."""
    librato = {"email": "any", "token": "any", "api": store.url, "source": "box", "host": "h",
               "writeToLegacy": True}  # fmt: skip
    return StatsdServer(modules, directory, "statsd-librato-backend", librato=librato)


@pytest.fixture
def statsd(modules: Path, tmp_path: Path, store: Store) -> Iterator[StatsdServer]:
    made = flushing_to(store, modules, tmp_path)
    with made.start():
        yield made


def measured(store: Store, name: str) -> dict[str, Any]:
    """Return all of a metric of the source as one record."""
    query = f"/v1/metrics/{name}?duration=600&resolution=1&summarize_time=1&sources[]=box"
    (record,) = store.get(query)["measurements"]["box"]
    assert isinstance(record, dict)
    return record


def by_tags(store: Store, name: str) -> list[dict[str, Any]]:
    """Return the streams of a metric: what was posted with a source, and with it as a tag."""
    series = store.get(f"/v1/measurements/{name}?duration=600&resolution=600")["series"]
    assert isinstance(series, list)
    return series


def test_counters_timers_gauges_and_sets_arrive(store: Store, statsd: StatsdServer) -> None:
    statsd.send("hits:2|c", "hits:3|c", "spent:10|ms", "spent:30|ms", "depth:7|g", "who:a|s")
    eventually(lambda: store.total("who") and len(by_tags(store, "who")) == 2)
    assert measured(store, "hits")["sum"] == 5
    spent = measured(store, "spent")
    assert [spent[name] for name in ("count", "sum", "min", "max")] == [2, 40, 10, 30]
    assert measured(store, "depth")["last"] == 7
    of_both_apis = by_tags(store, "hits")
    assert [stream["tags"] for stream in of_both_apis] == [{"source": "box"}] * 2
    assert {stream["measurements"][-1]["value"] for stream in of_both_apis} == {5}


def test_a_metric_of_another_type_is_left_out_and_the_others_arrive(
    store: Store, statsd: StatsdServer
) -> None:
    counters = {"counters": [{"name": "orders", "value": 1}]}
    store.post("/v1/metrics", json.dumps(counters).encode(), content_type="application/json")
    statsd.send("orders:1|c", "lost:1|c")
    statsd.process.wait_for("Placing metric 'orders' to stoplist")
    statsd.send("orders:1|c", "kept:4|c")
    eventually(lambda: store.total("kept"))
    assert measured(store, "kept")["sum"] == 4
    assert store.total("orders") == 1
    assert store.total("lost") == 0
