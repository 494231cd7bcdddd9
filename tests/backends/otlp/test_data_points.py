"""What a request says of snapshots, read back as OTLP's own messages and by our own intake."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from tests.backends.pauses import run
from zibrato.backends.otlp.data_points import MAX_WIDTH, Mapped, data_points, request_of
from zibrato.backends.totals import Addition
from zibrato.distribution import Distribution
from zibrato.intake.otlp.conversion import convert
from zibrato.intake.otlp.streams import Streams
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Snapshot, Summary

NOW = 1_700_000_000.0
TAGS = (("route", "/a"),)


def timer(samples: list[float]) -> Summary:
    squares = sum(sample**2 for sample in samples)
    return Summary(
        len(samples), sum(samples), min(samples), max(samples), squares, samples[-1],
        Distribution(samples),
    )  # fmt: skip


def snapshot(summaries: dict[Series, Summary], start: float = NOW) -> Snapshot:
    return Snapshot(start, start + 10, summaries)


def request(
    *snapshots: Snapshot,
    totals: Addition | None = None,
    resource: Mapping[str, str] | None = None,
) -> ExportMetricsServiceRequest:
    points = run(data_points(snapshots, totals))[0].points
    body = request_of(points, resource or {}, is_cumulative=totals is not None)
    return ExportMetricsServiceRequest.FromString(body)


def texts(attributes: Any) -> dict[str, str]:
    return {one.key: one.value.string_value for one in attributes}


def test_a_source_is_a_resource_and_a_name_a_metric() -> None:
    message = request(
        snapshot(
            {
                Series(COUNTER, "calls", "web1", TAGS): Summary(2, 5.0),
                Series(COUNTER, "calls", "web1", (), "debug"): Summary(1, 1.0),
                Series(GAUGE, "depth", "web2"): Summary(2, 7.0, 3.0, 4.0, 25.0, 4.0),
            }
        ),
        resource={"team": "x"},
    )
    web1, web2 = message.resource_metrics
    assert texts(web1.resource.attributes) == {
        "service.name": "zibrato", "service.instance.id": "web1", "team": "x",
    }  # fmt: skip
    (calls,) = web1.scope_metrics[0].metrics
    assert (calls.name, calls.unit, calls.sum.is_monotonic) == ("calls", "", True)
    assert calls.sum.aggregation_temporality == 1
    first, second = calls.sum.data_points
    assert (first.as_double, first.start_time_unix_nano, first.time_unix_nano) == (
        5.0, 1_700_000_000 * 10**9, 1_700_000_010 * 10**9,
    )  # fmt: skip
    assert texts(first.attributes) == {"route": "/a", "level": "info"}
    assert texts(second.attributes) == {"level": "debug"}
    (depth,) = web2.scope_metrics[0].metrics
    assert depth.gauge.data_points[0].as_double == 4.0


def test_a_resource_s_attributes_can_be_named() -> None:
    message = request(
        snapshot({Series(GAUGE, "depth", "web"): Summary(1, 1.0)}),
        resource={"service.name": "shop"},
    )
    resource = message.resource_metrics[0].resource
    assert texts(resource.attributes)["service.name"] == "shop"


def test_what_is_counted_down_is_not_monotonic() -> None:
    series = Series(COUNTER, "stock", "here")
    message = request(snapshot({series: Summary(1, -2.0)}), snapshot({series: Summary(1, 3.0)}))
    falling, rising = message.resource_metrics[0].scope_metrics[0].metrics
    assert (falling.sum.is_monotonic, rising.sum.is_monotonic) == (False, True)


def test_totals_go_on_over_deliveries() -> None:
    series, totals = Series(COUNTER, "calls", "here"), Addition({}, (), now=2e9)
    for number, total in ((0, 2.0), (1, 4.0)):
        message = request(snapshot({series: Summary(1, 2.0)}, NOW + 10 * number), totals=totals)
        (metric,) = message.resource_metrics[0].scope_metrics[0].metrics
        assert metric.sum.aggregation_temporality == 2
        (point,) = metric.sum.data_points
        assert (point.as_double, point.start_time_unix_nano) == (total, 1_700_000_000 * 10**9)


def test_what_has_no_finite_sum_is_not_sent() -> None:
    endless = {Series(GAUGE, "depth", "here"): Summary(3, inf)}
    assert run(data_points([snapshot(endless)], None)) == (Mapped([], 3), 0)


@given(st.lists(st.just(0.0) | st.floats(1e-9, 1e6), min_size=1, max_size=40))
def test_a_timer_s_buckets_are_read_back_as_they_were(samples: list[float]) -> None:
    series = Series(TIMER, "work", "web1", TAGS, "warning")
    message = request(snapshot({series: timer(samples)}))
    (row,) = convert(message, Streams(int(NOW)), NOW).rows
    assert (row.kind, row.name, row.source, row.level) == (TIMER, "work", "web1", "warning")
    assert dict(row.tags)["route"] == "/a"
    kept, expected = row.summary.distribution, Distribution(samples)
    expected.spill()
    assert kept is not None
    kept.spill()
    assert (kept.buckets, kept.zeros) == (expected.buckets, expected.zeros)
    assert astuple(row.summary)[:4] == (len(samples), sum(samples), min(samples), max(samples))


def test_a_wide_timer_gets_wider_buckets_instead_of_too_many() -> None:
    series = Series(TIMER, "work", "here")
    message = request(snapshot({series: timer([5e-324, 1e-150, 1.0, 2.0, 1e150])}))
    metric = message.resource_metrics[0].scope_metrics[0].metrics[0]
    (point,) = metric.exponential_histogram.data_points
    assert len(point.positive.bucket_counts) <= MAX_WIDTH
    assert sum(point.positive.bucket_counts) == point.count == 5
    base = 2**2**-point.scale
    assert base ** (point.positive.offset + len(point.positive.bucket_counts)) >= 1e150
