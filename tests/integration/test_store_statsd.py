"""statsd and statsd-librato-backend of npm, unmodified, against the store."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import npm
from tests.integration.processes import Process, eventually
from tests.integration.store_client import Store

PACKAGES = ("statsd@0.9.0", "statsd-librato-backend@2.0.16")
OLD_NODE = 'require("util").log ??= console.log;'
"""What statsd calls is gone since Node.js 23."""


@pytest.fixture(scope="module")
def modules(pytestconfig: pytest.Config) -> Path:
    """Return where the packages are, which are installed once."""
    return npm.modules(pytestconfig, "statsd", *PACKAGES)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = Store(Path(tmp_path_factory.mktemp("store")))
    with made.start():
        yield made


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


class Statsd:
    """A statsd that flushes to a store."""

    def __init__(self, modules: Path, directory: Path, store: Store) -> None:
        self._port = free_port(socket.SOCK_DGRAM)
        server = {"server": "./servers/udp", "address": "127.0.0.1", "port": self._port}
        librato = {"email": "any", "token": "any", "api": store.url, "source": "box", "host": "h",
                   "writeToLegacy": True}  # fmt: skip
        config = {"servers": [server], "backends": ["statsd-librato-backend"], "librato": librato,
                  "mgmt_address": "127.0.0.1", "mgmt_port": free_port(socket.SOCK_STREAM),
                  "flushInterval": 300, "deleteIdleStats": True, "debug": True}  # fmt: skip
        path = directory / "config.js"
        path.write_text(json.dumps(config))
        (directory / "node.js").write_text(OLD_NODE)
        node = [npm.NODE, "--require", str(directory / "node.js")]
        self.process = Process([*node, str(modules / "statsd/stats.js"), str(path)])
        eventually(self._listens)  # it says that it is up before it is

    def _listens(self) -> bool:
        self.send("probe:1|c")
        return '"probe"' in self.process.output

    def send(self, *lines: str) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto("\n".join(lines).encode(), ("127.0.0.1", self._port))


@pytest.fixture
def statsd(modules: Path, tmp_path: Path, store: Store) -> Iterator[Statsd]:
    made = Statsd(modules, tmp_path, store)
    with made.process:
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


def test_counters_timers_gauges_and_sets_arrive(store: Store, statsd: Statsd) -> None:
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
    store: Store, statsd: Statsd
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
