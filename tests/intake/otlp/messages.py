"""Requests with OTLP's metrics, written as OTLP's JSON has them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from zibrato.intake.otlp.encoding import JSON, decode

if TYPE_CHECKING:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )

pytest.importorskip("opentelemetry.proto", reason="the extra zibrato[otlp] is not installed")

NOW = 1_700_000_005.0
SECOND = 10**9
DELTA, CUMULATIVE = 1, 2
Object = Mapping[str, Any]


def nanoseconds(seconds: float) -> str:
    """Return a Unix time as OTLP's JSON has it."""
    return str(int(seconds * SECOND))


def attributes(**values: object) -> list[Object]:
    """Return attributes that are texts; `_` stands for a dot."""
    return [
        {"key": name.replace("_", "."), "value": {"stringValue": value}}
        for name, value in values.items()
    ]


def point(start: float = NOW, time: float = NOW, tags: Object | None = None, **rest: Any) -> Object:
    """Return a data point."""
    times = {"startTimeUnixNano": nanoseconds(start), "timeUnixNano": nanoseconds(time)}
    return {**times, "attributes": attributes(**(tags or {})), **rest}


def counter(
    *points: Object, name: str = "c", temporality: int = DELTA, monotonic: bool = True
) -> Object:
    """Return a sum."""
    data = {
        "dataPoints": points, "aggregationTemporality": temporality, "isMonotonic": monotonic
    }  # fmt: skip
    return {"name": name, "sum": data}


def histogram(
    *points: Object, temporality: int = DELTA, unit: str = "s", kind: str = "histogram"
) -> Object:
    """Return a histogram of a kind."""
    data = {"dataPoints": points, "aggregationTemporality": temporality}
    return {"name": "h", "unit": unit, kind: data}


def gauge(*points: Object) -> Object:
    """Return a gauge."""
    return {"name": "g", "gauge": {"dataPoints": points}}


def content(*metrics: Object, resource: Sequence[Object] = ()) -> Object:
    """Return a request as JSON has it."""
    of_scope = {"scope": {"name": "s"}, "metrics": metrics}
    return {"resourceMetrics": [{"resource": {"attributes": resource}, "scopeMetrics": [of_scope]}]}


def message(*metrics: Object, resource: Sequence[Object] = ()) -> ExportMetricsServiceRequest:
    """Return a request as a message."""
    return decode(JSON, json.dumps(content(*metrics, resource=resource)).encode())
