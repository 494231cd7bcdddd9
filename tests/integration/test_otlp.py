"""OpenTelemetry's SDKs, of Python and of JavaScript, unmodified, against a daemon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

from tests.integration import npm
from tests.integration.processes import Process, eventually
from tests.integration.store_client import Store

PROGRAM = Path(__file__).parent / "programs/otlp_export.mjs"
MEASURED = range(100, 200)
"""Milliseconds: of which every other one is exported first, then the others."""
PERCENTILES = {"p50": 0.149, "p95": 0.194, "p99": 0.198}
ERRORS = {"sdk.exponential": 0.011, "sdk.explicit": 0.05}
"""Of a histogram that is finer than ours, but in milliseconds; and of one whose only filled bucket
is that from 100 to 250, of which the extremes are known."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = Store(Path(tmp_path_factory.mktemp("store")))
    with made.start("--otlp", "tcp:0:interface=127.0.0.1"):
        yield made


@pytest.fixture(scope="module")
def url(store: Store) -> str:
    """Return where OTLP's own endpoint is."""
    return store.process.wait_for(r"OTLP metrics are received at (http://\S+)")[1]


@pytest.fixture(scope="module")
def modules(pytestconfig: pytest.Config) -> Path:
    return npm.modules(pytestconfig)


def export_from_python(url: str, temporality: AggregationTemporality, source: str) -> None:
    """Measure, and export twice, after each half."""
    kinds: dict[type, AggregationTemporality] = {Counter: temporality, Histogram: temporality}
    exporter = OTLPMetricExporter(
        url, preferred_temporality=kinds, compression=Compression.Gzip
    )  # fmt: skip
    provider = MeterProvider(
        [PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)],
        resource=Resource({"host.name": source}),
        views=[
            View(
                instrument_name="sdk.exponential",
                aggregation=ExponentialBucketHistogramAggregation(),
            )
        ],
    )
    meter = provider.get_meter("test")
    hits, depth = meter.create_counter("sdk.hits"), meter.create_up_down_counter("sdk.depth")
    timers = [meter.create_histogram(name, unit="ms") for name in ERRORS]
    for half in (MEASURED[::2], MEASURED[1::2]):
        for milliseconds in half:
            hits.add(3, {"route": "/a", "level": "warn"})
            depth.add(1 if milliseconds % 4 else -1)
            for timer in timers:
                timer.record(milliseconds)
        assert provider.force_flush()
    provider.shutdown()


def series_of(store: Store, source: str) -> dict[str, dict[str, Any]]:
    """Return the series of a source, by name."""
    series = store.get("/data/series")["series"]
    return {one["name"]: one for one in series if one["source"] == source}


def merged(store: Store, series: dict[str, Any]) -> dict[str, Any]:
    """Return all of a series as one point."""
    now = int(time())
    query = f"ids={series['id']}&start={now - 3600}&end={now + 60}&points=1"
    columns = store.get(f"/data/plot?{query}")["merged"]
    return {name: [one for one in column if one is not None] for name, column in columns.items()}


def check(store: Store, source: str) -> None:
    """Assert that all has arrived, and nothing of it twice."""
    eventually(lambda: len(series_of(store, source)) == 4 and hits(store, source) >= 300)
    series = series_of(store, source)
    assert hits(store, source) == 300
    assert (series["sdk.hits"]["tags"], series["sdk.hits"]["level"]) == ({"route": "/a"}, "warning")
    assert (series["sdk.depth"]["kind"], series["sdk.depth"]["last"]) == ("gauge", 50)
    for name, error in ERRORS.items():
        assert series[name]["kind"] == "timer"
        plot = merged(store, series[name])
        assert sum(plot["count"]) == 100
        assert sum(plot["sum"]) == pytest.approx(sum(MEASURED) / 1000)
        assert min(plot["min"]) >= 0.0999
        assert max(plot["max"]) <= 0.1991
        if len(plot["count"]) == 1:
            for percentile, true in PERCENTILES.items():
                assert plot[percentile] == [pytest.approx(true, rel=error)]


def hits(store: Store, source: str) -> float:
    series = series_of(store, source).get("sdk.hits")
    return sum(merged(store, series)["sum"]) if series else 0.0


@pytest.mark.parametrize("temporality", [*AggregationTemporality][1:], ids=lambda one: one.name)
def test_what_python_measures_arrives(
    store: Store, url: str, temporality: AggregationTemporality
) -> None:
    where = url if temporality is AggregationTemporality.DELTA else f"{store.url}/v1/metrics"
    export_from_python(where, temporality, f"python-{temporality.name}")
    check(store, f"python-{temporality.name}")


@pytest.mark.parametrize(("encoding", "temporality"), [("http", "cumulative"), ("proto", "delta")])
def test_what_javascript_measures_arrives(
    store: Store, url: str, modules: Path, encoding: str, temporality: str
) -> None:
    where = url if encoding == "proto" else f"{store.url}/v1/metrics"
    source = f"javascript-{encoding}"
    arguments = [where, encoding, temporality, source]
    program = Process(
        [npm.NODE, str(PROGRAM), *arguments], environment={"NODE_PATH": str(modules)}
    )  # fmt: skip
    with program:
        assert program.wait() == 0, program.output
    check(store, source)
