"""OTLP's JSON, as SDKs write it and as protobuf's own encoder does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToJson

from tests.intake.otlp.messages import content, counter, gauge, histogram, point
from zibrato.intake.otlp.encoding import JSON, decode

ATTRIBUTES = [
    {"key": "text", "value": {"stringValue": "é"}},
    {"key": "bool", "value": {"boolValue": True}},
    {"key": "int", "value": {"intValue": "-9223372036854775808"}},
    {"key": "number", "value": {"intValue": 7}},
    {"key": "double", "value": {"doubleValue": "-Infinity"}},
    {"key": "bytes", "value": {"bytesValue": "aGVsbG8="}},
    {"key": "list", "value": {"arrayValue": {"values": [{"intValue": "1"}, {}]}}},
    {
        "key": "map",
        "value": {"kvlistValue": {"values": [{"key": "k", "value": {"doubleValue": 0.5}}]}},
    },
]
COUNTED: dict[str, Any] = {"count": "3", "sum": 1.5, "min": 0.25, "max": 1}
EXPLICIT = {**COUNTED, "explicitBounds": [0, "Infinity"], "bucketCounts": ["1", 2, 0]}
BUCKETS = {"offset": -3, "bucketCounts": ["1", "1"]}
EXPONENTIAL: dict[str, Any] = {
    **COUNTED, "scale": 20, "zeroCount": "1", "zeroThreshold": 1e-9,
    "positive": BUCKETS, "negative": BUCKETS,
}  # fmt: skip
SUMMARY: dict[str, Any] = {
    "count": "3",
    "sum": 1.5,
    "quantileValues": [{"quantile": 0.5, "value": 1}],
}
EVERYTHING = content(
    {**counter(point(asInt="5", flags=1), temporality=2), "unit": "By"},
    gauge({**point(asDouble="NaN"), "attributes": ATTRIBUTES}),
    histogram(point(**EXPLICIT)),
    histogram(point(**EXPONENTIAL), kind="exponentialHistogram"),
    {"name": "s", "summary": {"dataPoints": [point(**SUMMARY)]}},
    resource=ATTRIBUTES,
)


def decoded(given: object) -> Any:
    return decode(JSON, json.dumps(given).encode())


def metric(**given: object) -> Any:
    """Return a metric that has been decoded, beside a good name."""
    request = decoded(content({"name": "n", **given}))
    return request.resource_metrics[0].scope_metrics[0].metrics[0]


def test_what_protobuf_writes_is_read_as_it_was() -> None:
    scope: Any = EVERYTHING["resourceMetrics"][0]["scopeMetrics"][0]["scope"]
    scope |= {"version": "1", "attributes": ATTRIBUTES}
    made = decoded(EVERYTHING)
    again = MessageToJson(made)
    assert all(word in again for word in ("NaN", "zeroThreshold", "quantileValues", "kvlistValue"))
    assert MessageToJson(decode(JSON, again.encode())) == again
    of_number = MessageToJson(made, use_integers_for_enums=True)
    assert MessageToJson(decode(JSON, of_number.encode())) == again
    assert "AGGREGATION_TEMPORALITY_DELTA" in again
    assert "AGGREGATION_TEMPORALITY_DELTA" not in of_number


def test_what_is_null_or_unknown_is_left_out() -> None:
    number = {"asDouble": None, "asInt": 5, "flags": None, "attributes": None, "new": [1]}
    made = metric(unit=None, gauge={"dataPoints": [number], "isMonotonic": True}, metadata=[])
    assert made == metric(gauge={"dataPoints": [{"asInt": 5}]})


def test_exemplars_are_not_read() -> None:
    exemplars = [{"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "not hexadecimal"}]
    made = metric(gauge={"dataPoints": [{"asInt": 5, "exemplars": exemplars}]})
    assert made == metric(gauge={"dataPoints": [{"asInt": "5"}]})


def test_a_temporality_that_nobody_knows_is_none() -> None:
    for given in ("AGGREGATION_TEMPORALITY_NEW", 0):
        assert metric(sum={"aggregationTemporality": given}).sum.aggregation_temporality == 0


@pytest.mark.parametrize(
    "given",
    [
        {"name": 5},
        {"gauge": []},
        {"gauge": {"dataPoints": {}}},
        {"gauge": {"dataPoints": [None]}},
        {"gauge": {"dataPoints": [{"asInt": 5.5}]}},
        {"gauge": {"dataPoints": [{"asInt": "5.5"}]}},
        {"gauge": {"dataPoints": [{"asInt": "9223372036854775808"}]}},
        {"gauge": {"dataPoints": [{"asInt": []}]}},
        {"gauge": {"dataPoints": [{"asDouble": "much"}]}},
        {"gauge": {"dataPoints": [{"timeUnixNano": -1}]}},
        {"histogram": {"dataPoints": [{"bucketCounts": "123"}]}},
        {"exponentialHistogram": {"dataPoints": [{"scale": 2**31}]}},
        {"sum": {"isMonotonic": "true"}},
        {"sum": {"aggregationTemporality": []}},
        {"gauge": {"dataPoints": [{"attributes": [{"value": {"bytesValue": "a"}}]}]}},
    ],
)
def test_what_has_the_wrong_type_is_no_request(given: Any) -> None:
    with pytest.raises(ValueError, match="the body is not an ExportMetricsServiceRequest: "):
        metric(**given)
