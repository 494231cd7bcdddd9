"""Which totals belong to one stream."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.intake.otlp.messages import (
    CUMULATIVE,
    NOW,
    SECOND,
    Object,
    attributes,
    content,
    counter,
    point,
)
from zibrato.intake.otlp.conversion import convert
from zibrato.intake.otlp.encoding import JSON, decode
from zibrato.intake.otlp.streams import Streams


def total(value: float, time: float, *, start: float = NOW - 60, **rest: Any) -> Object:
    return counter(point(start, NOW + time, asDouble=value, **rest), temporality=CUMULATIVE)


def request(metric: Object, *resource: Object, **scope: Any) -> Any:
    made: Any = content(metric, resource=resource)
    made["resourceMetrics"][0]["scopeMetrics"][0]["scope"] |= scope
    return made


def key(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"attributes": [{"key": "k", "value": value}]}


@pytest.mark.parametrize(
    "other",
    [
        request(total(3, 0, attributes=attributes(a="b"))),
        request(total(3, 0, attributes=attributes(a=""))),
        request(total(3, 0), *attributes(process_pid="7")),
        request(total(3, 0, start=NOW - 59)),
        request({**total(3, 0), "unit": "By"}),
        request(total(3, 0), name="t"),
        request(total(3, 0), version="2"),
        request(total(3, 0), **key({"stringValue": "x"})),
    ],
)
def test_totals_of_other_series_and_processes_are_other_totals(other: Any) -> None:
    assert grown(request(total(5, 0)), other, request(total(6, 1))) == [5, 3, 1]


def test_totals_are_told_apart_by_the_types_of_attributes() -> None:
    text, number = key({"stringValue": "1"}), key({"intValue": "1"})
    requests = [total(5, 0, **text), total(3, 0, **number), total(6, 1, **text)]
    assert grown(*map(request, requests)) == [5, 3, 1]


def test_the_order_of_attributes_is_none_of_the_stream() -> None:
    given = attributes(a="1", b="2")
    first, second = (total(5 + n, n, attributes=given[::way]) for n, way in enumerate((1, -1)))
    assert grown(request(first, *given), request(second, *given[::-1])) == [5, 1]


def test_a_total_at_its_start_was_found_by_a_collector_unless_an_sdk_measured_it() -> None:
    at_start, later = total(500, 0, start=NOW), total(507, 1, start=NOW)
    assert grown(request(at_start), request(later)) == [7]
    sdk = attributes(telemetry_sdk_language="nodejs")
    assert grown(request(at_start, *sdk), request(later, *sdk)) == [500, 7]


def grown(*requests: Any) -> list[float]:
    """Return what each request counts, one after the other."""
    streams = Streams(int((NOW - 1000) * SECOND))
    messages = (decode(JSON, json.dumps(one).encode()) for one in requests)
    return [row.summary.sum for one in messages for row in convert(one, streams, NOW).rows]
