"""Lines of statsd into a real daemon: what others test, over real sockets, and real clients."""

from __future__ import annotations

import json
import signal
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import markus  # type: ignore[import-untyped]  # it has no types
import pytest
import statsd  # type: ignore[import-untyped]  # it has no types
from datadog.dogstatsd.base import DogStatsd

from tests.integration.lines_daemon import KINDS, LinesDaemon
from tests.integration.npm import NODE, modules
from tests.integration.processes import ROOT, eventually

ROWS = json.loads((ROOT / "tests/intake/statsd_lines.json").read_text())
LINES = [row["line"].encode(errors="surrogateescape") for row in ROWS]
FLOOD = 500
"""Datagrams of 60 kB: more than the largest buffer that the kernel gives."""
HOT_SHOTS = """
const StatsD = require('hot-shots');
const client = new StatsD({port: Number(process.argv[1]), prefix: 'hot.', maxBufferSize: 1000,
                           globalTags: {app: 'shop'}});
client.increment('hits', 3);
client.increment('hits', 1, 1, {status: '500'});
client.timing('spent', 250);
client.gauge('depth', 7);
client.gaugeDelta('depth', -2);
['a', 'b', 'a'].forEach((user) => client.set('users', user));
client.histogram('sizes', 12.5);
client.distribution('sizes', 2.5);
client.event('deploy', 'of it');
client.check('up', client.CHECKS.WARNING);
client.close();
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LinesDaemon]:
    made = LinesDaemon(tmp_path_factory.mktemp("lines"))
    with made.process:
        yield made


def expected(what: str) -> dict[tuple[str, str, str], float]:
    """Return a figure of all lines that can be read."""
    sums: defaultdict[tuple[str, str, str], float] = defaultdict(float)
    for row in ROWS:
        for said in row.get("said", ()):
            if said["kind"] != "annotation":
                kind = "gauge" if said["kind"] == "set" else said["kind"]
                tags = ",".join(
                    f"{name}:{value}" for name, value in sorted(said.get("tags", {}).items())
                )
                sums[kind, said["name"], tags] += figure(said, what)
    return sums


def figure(said: dict[str, Any], what: str) -> float:
    if what == "sum":
        times = said.get("times", [1] * len(said.get("values", ())))
        is_sum = said["kind"] in {"counter", "timer"}
        weighted = zip(said.get("values", ()), times, strict=True)
        return said.get("sum", sum(v * n for v, n in weighted)) if is_sum else 0
    return said.get("count") or sum(said.get("times", ())) or len(said["values"])


def test_what_others_test_arrives_over_every_kind_of_socket(daemon: LinesDaemon) -> None:
    for kind in KINDS:
        daemon.send(kind, *LINES)
    counts, sums = expected("count"), expected("sum")
    rejected: Counter[str] = sum((Counter(row.get("rejected", {})) for row in ROWS), Counter())

    def arrived() -> bool:
        received = daemon.summed("", "count")
        return all(
            received[series] == len(KINDS) * count for series, count in counts.items()
        ) and daemon.rejected() == {why: len(KINDS) * count for why, count in rejected.items()}

    eventually(arrived)
    summed = daemon.summed("", "sum")
    for series, total in sums.items():
        if series[0] != "gauge":
            assert summed[series] == pytest.approx(len(KINDS) * total), series


def only(daemon: LinesDaemon, name: str, field: str) -> dict[str, float]:
    """Return a field of what was shipped of a name, by its tags."""
    return {
        tags: value
        for (_, metric, tags), value in daemon.summed(name, field).items()
        if metric == name
    }


@pytest.mark.attack("more datagrams than can be read", before="no such intake")
def test_what_the_kernel_drops_while_the_daemon_stands_still_is_shipped(
    daemon: LinesDaemon,
) -> None:
    datagram = b"flood:1|c|c:" + b"x" * 60_000
    daemon.process.send(signal.SIGSTOP)
    daemon.send("udp", *[datagram] * FLOOD)
    daemon.process.send(signal.SIGCONT)

    def counted(name: str, tags: str) -> float:
        return daemon.summed(name, "sum")["counter", name, tags]

    def dropped() -> float:
        return counted("zibrato.intake.dropped", "reason:kernel")

    eventually(lambda: counted("flood", "") + dropped() == FLOOD)
    assert counted("flood", "") > 0
    assert dropped() > 0


def test_the_client_statsd(daemon: LinesDaemon) -> None:
    tcp, stream = daemon.addresses["tcp"], daemon.addresses["unix"]
    for client in (
        statsd.StatsClient(port=daemon.port, prefix="py"),
        statsd.TCPStatsClient(port=tcp.port, prefix="py"),
        statsd.UnixSocketStatsClient(stream.path, prefix="py"),
    ):
        with client.pipeline() as pipe:
            pipe.incr("hits", 3)
            pipe.decr("hits")
            pipe.timing("spent", 250)
            pipe.gauge("depth", 7)
            pipe.gauge("depth", -2, delta=True)
            pipe.set("users", "a")
        client.close()
    eventually(lambda: sum(only(daemon, "py.users", "count").values()) == 3)
    assert only(daemon, "py.hits", "sum") == {"": 6}
    assert only(daemon, "py.spent", "sum") == {"": pytest.approx(0.75)}
    assert {row["last"] for row in daemon.shipped() if row["name"] == "py.depth"} == {5}


def test_the_client_datadog(daemon: LinesDaemon) -> None:
    paths = (str(daemon.path), f"unixstream://{daemon.addresses['unix'].path}")
    for path in (None, *paths):
        client = DogStatsd(
            port=daemon.port, socket_path=path,
            disable_telemetry=True, namespace="dog", constant_tags=["app:shop"],
        )  # fmt: skip
        client.increment("hits", 3, tags=["status:500"])
        client.timing("spent", 250)
        client.histogram("sizes", 12.5, sample_rate=1)
        client.distribution("sizes", 2.5)
        client.gauge("depth", 7)
        client.set("users", "a")
        client.event("deploy dog", "line 1\nline 2", alert_type="warning", tags=["x:y"])
        client.service_check("dog.up", client.CRITICAL, message="no answer")
        client.flush()
        client.close_socket()
    eventually(lambda: only(daemon, "dog.users", "count") == {"app:shop": 3})
    assert only(daemon, "dog.hits", "sum") == {"app:shop,status:500": 9}
    assert only(daemon, "dog.spent", "sum") == {"app:shop": pytest.approx(0.75)}
    assert only(daemon, "dog.sizes", "sum") == {"app:shop": 45}
    eventually(lambda: len(events(daemon, "dog.up")) == 3)
    deploys = [event for event in events(daemon, "events") if event["title"] == "deploy dog"]
    assert deploys[0]["description"] == "line 1\nline 2\nalert_type:warning, app:shop, x:y"
    assert {event["title"] for event in events(daemon, "dog.up")} == {"critical"}


def events(daemon: LinesDaemon, stream: str) -> list[dict[str, Any]]:
    """Return the events of a stream in the store, as its API has them."""
    url = daemon.process.wait_for(r"the page is at (http://\S+)/")[1]
    with urlopen(f"{url}/v1/annotations?length=100") as response:
        names = {event["name"] for event in json.load(response)["annotations"]}
    if stream not in names:
        return []
    with urlopen(f"{url}/v1/annotations/{stream}?start_time=1") as response:
        return [event for events in json.load(response)["events"].values() for event in events]


@pytest.mark.parametrize(
    ("name", "backend", "prefix"),
    [
        ("plain", "markus.backends.statsd.StatsdMetrics", "statsd_prefix"),
        ("tagged", "markus.backends.datadog.DatadogMetrics", "statsd_namespace"),
    ],
)
def test_the_client_markus(daemon: LinesDaemon, name: str, backend: str, prefix: str) -> None:
    options = {"statsd_host": "127.0.0.1", "statsd_port": daemon.port, prefix: name}
    markus.configure([{"class": backend, "options": options}], raise_errors=True)
    metrics = markus.get_metrics("markus")
    metrics.incr("hits", 3)
    metrics.timing("spent", 250)
    metrics.gauge("depth", 7)
    metrics.histogram("sizes", 40)
    eventually(lambda: only(daemon, f"{name}.markus.sizes", "count") == {"": 1})
    assert only(daemon, f"{name}.markus.hits", "sum") == {"": 3}
    assert only(daemon, f"{name}.markus.spent", "sum") == {"": pytest.approx(0.25)}
    assert only(daemon, f"{name}.markus.depth", "last") == {"": 7}


def test_the_client_hot_shots(daemon: LinesDaemon, pytestconfig: pytest.Config) -> None:
    path = modules(pytestconfig)
    command = [NODE, "-e", HOT_SHOTS, "--", str(daemon.port)]
    subprocess.run(command, check=True, env={"NODE_PATH": str(path)}, timeout=60)
    eventually(lambda: only(daemon, "hot.users", "count") == {"app:shop": 3})
    assert only(daemon, "hot.hits", "sum") == {"app:shop": 3, "app:shop,status:500": 1}
    assert only(daemon, "hot.spent", "sum") == {"app:shop": pytest.approx(0.25)}
    assert only(daemon, "hot.sizes", "sum") == {"app:shop": 15}
    assert {row["last"] for row in daemon.shipped() if row["name"] == "hot.depth"} == {5}
    assert {row["last"] for row in daemon.shipped() if row["name"] == "hot.users"} == {2}
    eventually(lambda: [event["title"] for event in events(daemon, "hot.up")] == ["warning"])
    assert "hot.deploy" in {event["title"] for event in events(daemon, "events")}
