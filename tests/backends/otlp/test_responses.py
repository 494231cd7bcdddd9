"""Which answers are final, which mean later, and what they say."""

from __future__ import annotations

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceResponse,
)
from twisted.web.http_headers import Headers

from zibrato.backends.http_responses import SLOW, Response
from zibrato.backends.otlp.responses import classify
from zibrato.backends.posting import Verdict
from zibrato.interfaces import RetryLater

PARTIAL = ExportMetricsPartialSuccess(rejected_data_points=3, error_message="too\x1b old")


def answer(status: int, body: bytes = b"", **headers: str) -> Response:
    fields = Headers({"Content-Type": ["application/x-protobuf"]})
    for name, value in headers.items():
        fields.setRawHeaders(name.replace("_", "-"), [value])
    return Response(status, fields, body)


def test_success() -> None:
    assert classify(answer(200), 0.0) == Verdict()
    assert classify(answer(202, b"\xff broken"), 0.0) == Verdict()
    assert classify(answer(200, b"{}", Content_Type="application/json"), 0.0) == Verdict()


def test_partial_success() -> None:
    body = ExportMetricsServiceResponse(partial_success=PARTIAL).SerializeToString()
    assert classify(answer(200, body), 0.0) == Verdict(None, 3, "too old")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 521, 530])
def test_the_server_s_trouble_passes(status: int) -> None:
    with pytest.raises(RetryLater, match=f"the server answered {status}") as caught:
        classify(answer(status, Retry_After="7"), 0.0)
    assert caught.value.after == 7.0


@pytest.mark.parametrize("status", [301, 401, 402, 403, 404, 405, 407])
def test_what_people_must_mend_is_tried_seldom(status: int) -> None:
    with pytest.raises(RetryLater, match=str(status)) as caught:
        classify(answer(status), 0.0)
    assert caught.value.after == SLOW


def test_a_rejection_has_the_words_of_its_status() -> None:
    status = PARTIAL.SerializeToString()  # the same two fields
    assert classify(answer(400, status), 0.0).rejection == "400 too old"
    assert classify(answer(413, b"\xff"), 0.0).rejection == "413"
    assert classify(answer(501), 0.0).rejection == "501"  # as OTLP has it
    plain = answer(400, b"bad\nrequest", Content_Type="text/plain")
    assert classify(plain, 0.0).rejection == "400 bad request"
