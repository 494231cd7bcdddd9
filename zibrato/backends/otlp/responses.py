"""Interpret responses to OTLP: accepted, partly accepted, rejected, or to be retried; pure."""

from __future__ import annotations

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceResponse,
)

from zibrato.backends.http_responses import Response, error_message, one_line, raise_later
from zibrato.backends.posting import Verdict

__all__ = ["classify"]


def classify(response: Response, now: float) -> Verdict:
    """Return what became of a request; raises RetryLater if it may be accepted later.

    `now` is the Unix time. The statuses to be retried are those that OTLP names, and 500, which
    many servers use in the same sense.
    """
    status = response.status
    if 200 <= status < 300:
        return _partial(response)
    says = _says(response)
    raise_later(response, now, "OTLP", says)
    return Verdict(f"{status} {says}".rstrip())


def _partial(response: Response) -> Verdict:
    if not _is_protobuf(response):
        return Verdict()
    answer = ExportMetricsServiceResponse()
    try:
        answer.ParseFromString(response.body)
    except DecodeError:  # it was accepted, whatever the body is
        return Verdict()
    success = answer.partial_success
    return Verdict(None, success.rejected_data_points, one_line(success.error_message))


def _says(response: Response) -> str:
    """Return the text of an error, which in protobuf is a google.rpc.Status."""
    if not _is_protobuf(response):
        return error_message(response.body)
    status = ExportMetricsPartialSuccess()  # it has the same two fields as a google.rpc.Status
    try:
        status.ParseFromString(response.body)
    except DecodeError:
        return ""
    return one_line(status.error_message)


def _is_protobuf(response: Response) -> bool:
    types = response.headers.getRawHeaders(b"Content-Type", [])
    return any(kind.startswith(b"application/x-protobuf") for kind in types)
