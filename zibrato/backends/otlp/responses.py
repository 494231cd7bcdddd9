"""What an answer to OTLP means: taken, taken in part, rejected for good, or later; pure."""

from __future__ import annotations

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceResponse,
)

from zibrato.backends.http_responses import SLOW, Response, error_message, one_line, retry_after
from zibrato.backends.posting import Verdict
from zibrato.interfaces import RetryLater

__all__ = ["classify"]

_LATER = frozenset({408, 429, 500, 502, 503, 504})
_ELSEWHERE = frozenset({301, 302, 303, 307, 308, 404, 405, 407, 410, 421})


def classify(response: Response, now: float) -> Verdict:
    """Return what became of a request; raises RetryLater where it may be accepted later.

    `now` is the Unix time. Statuses are those that OTLP names, and 500, which many mean so.
    """
    status = response.status
    if 200 <= status < 300:
        return _partial(response)
    if status in _LATER:
        raise RetryLater(f"the server answered {status}", retry_after(response.headers, now))
    if status in {401, 403}:
        raise RetryLater(f"{status}, it lets us not in; mend the headers and reload (HUP)", SLOW)
    if status in _ELSEWHERE:
        raise RetryLater(f"{status}, nothing takes OTLP there; mend the url", SLOW)
    return Verdict(f"{status} {_says(response)}".rstrip())


def _partial(response: Response) -> Verdict:
    if not _is_protobuf(response):
        return Verdict()
    answer = ExportMetricsServiceResponse()
    try:
        answer.ParseFromString(response.body)
    except DecodeError:  # it was accepted, whatever it says
        return Verdict()
    success = answer.partial_success
    return Verdict(None, success.rejected_data_points, one_line(success.error_message))


def _says(response: Response) -> str:
    """Return the text of an error, in protobuf a google.rpc.Status."""
    if not _is_protobuf(response):
        return error_message(response.body)
    status = ExportMetricsPartialSuccess()  # has the two fields of a google.rpc.Status
    try:
        status.ParseFromString(response.body)
    except DecodeError:
        return ""
    return one_line(status.error_message)


def _is_protobuf(response: Response) -> bool:
    types = response.headers.getRawHeaders(b"Content-Type", [])
    return any(kind.startswith(b"application/x-protobuf") for kind in types)
