"""Bodies to messages and answers to bytes, in both encodings."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.intake.otlp.messages import content, counter, message, point
from zibrato.intake.otlp.encoding import (
    JSON,
    KINDS,
    PROTOBUF,
    accepted,
    decode,
    is_installed,
    refused,
)


def test_both_encodings_say_the_same() -> None:
    made = message(counter(point(asInt="5")))
    assert decode(PROTOBUF, made.SerializeToString()) == made


def test_json_is_as_otlp_has_it() -> None:
    exemplar = {"traceId": "5b8efff798038103d269b633813fc60c"}
    number = {"asInt": 5, "attributes": [], "exemplars": [exemplar]}
    given = counter(number)
    made = decode(JSON, json.dumps({**content({**given, "future": {}}), "more": 1}).encode())
    (metric,) = made.resource_metrics[0].scope_metrics[0].metrics
    assert metric.sum.data_points[0].as_int == 5


def test_nothing_is_a_request_without_metrics() -> None:
    assert not decode(PROTOBUF, b"").resource_metrics
    assert not decode(JSON, b"{}").resource_metrics


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (PROTOBUF, b"\xff"),
        (PROTOBUF, b"\x0a\x05abc"),
        (PROTOBUF, b"\x0a\xff\xff\xff\xff\x0f"),
        (JSON, b""),
        (JSON, b"\xff"),
        (JSON, b"[]"),
        (JSON, b'{"resourceMetrics": 1}'),
        (JSON, b'{"resourceMetrics": [{"resource": [1]}]}'),
        (JSON, b"[" * 100_000),
        (JSON, b'{"resourceMetrics":[{"a":' * 100_000),
        (JSON, b'{"resourceMetrics": [{"schemaUrl": "\\ud800"}]}'),
    ],
)
@pytest.mark.attack("bodies that are no OTLP", before="there was no OTLP")
def test_what_is_no_request_is_one_line(kind: bytes, body: bytes) -> None:
    with pytest.raises(
        ValueError, match="the body is not an ExportMetricsServiceRequest: "
    ) as caught:
        decode(kind, body)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@given(st.sampled_from(KINDS), st.binary(max_size=200))
def test_any_body_is_a_request_or_one_line(kind: bytes, body: bytes) -> None:
    try:
        decode(kind, body)
    except ValueError as error:
        assert str(error).startswith("the body is no")  # noqa: PT017 - either is right


def test_the_answer_to_a_good_request_is_empty() -> None:
    assert accepted(PROTOBUF, {}) == (200, b"")
    assert accepted(JSON, {}) == (200, b"{}")


def test_a_partial_success_names_how_many_and_why() -> None:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceResponse,
    )

    line = "data points rejected: 1 for tags, 2 for value"
    status, body = accepted(JSON, {"value": 2, "tags": 1})
    partial = {"rejectedDataPoints": "3", "errorMessage": line}
    assert (status, json.loads(body)) == (200, {"partialSuccess": partial})
    response = ExportMetricsServiceResponse.FromString(accepted(PROTOBUF, {"value": 300}).body)
    assert response.partial_success.rejected_data_points == 300
    assert response.partial_success.error_message == "data points rejected: 300 for value"


def test_a_rejection_is_a_status_in_the_request_s_encoding() -> None:
    assert json.loads(refused(JSON, 400, "why").body) == {"code": 3, "message": "why"}
    assert refused(PROTOBUF, 503, "why") == (503, b"\x08\x0e\x12\x03why")


def test_the_package_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_installed()
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "opentelemetry.proto", raising=False)
    assert not is_installed()
