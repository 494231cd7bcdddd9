"""Decodes requests and encodes answers in OTLP's encodings, protobuf and JSON; pure.

The messages are those of the package opentelemetry-proto. It is optional, and is imported when the
first request comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from zibrato.intake.otlp.json_fields import fields_of

if TYPE_CHECKING:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )

PROTOBUF = b"application/x-protobuf"
JSON = b"application/json"
KINDS = (PROTOBUF, JSON)
MISSING = "OTLP needs the package opentelemetry-proto: pip install 'zibrato[otlp]'"
_CODES = {400: 3, 413: 8, 503: 14}
"""gRPC's status codes by those of HTTP."""


class Answer(NamedTuple):
    """The status and body of a response, in the encoding of the request."""

    status: int
    body: bytes


def is_installed() -> bool:
    """Return whether the package opentelemetry-proto, which decoding needs, is installed."""
    try:
        return find_spec("opentelemetry.proto") is not None
    except ModuleNotFoundError:
        return False


def decode(kind: bytes, body: bytes) -> ExportMetricsServiceRequest:
    """Decode a body of this content type; raises ValueError with one line."""
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - an extra

    request = _messages().ExportMetricsServiceRequest
    try:
        decoded: ExportMetricsServiceRequest = (
            request.FromString(body) if kind == PROTOBUF else request(**fields_of(body))
        )
    except (DecodeError, ValueError, TypeError, OverflowError, RecursionError) as error:
        line = " ".join(str(error).split())[:200]
        raise ValueError(f"the body is not an ExportMetricsServiceRequest: {line}") from None
    return decoded


def accepted(kind: bytes, lost: Mapping[str, int]) -> Answer:
    """Return the answer to an accepted request; `lost` has its lost data points by reason."""
    count = sum(lost.values())
    if not count:
        return Answer(200, b"" if kind == PROTOBUF else b"{}")
    reasons = ", ".join(f"{number} for {reason}" for reason, number in sorted(lost.items()))
    message = f"data points rejected: {reasons}"
    if kind == PROTOBUF:
        response = _messages().ExportMetricsServiceResponse()
        response.partial_success.rejected_data_points = count
        response.partial_success.error_message = message
        return Answer(200, response.SerializeToString())
    # The count is a string, because the JSON encoding of protobuf writes 64-bit integers so.
    partial = {"rejectedDataPoints": str(count), "errorMessage": message}
    return Answer(200, msgspec.json.encode({"partialSuccess": partial}))


def refused(kind: bytes, http_status: int, message: str) -> Answer:
    """Return the answer to a request that is rejected as a whole: a google.rpc.Status."""
    if kind != PROTOBUF:
        content = {"code": _CODES[http_status], "message": message}
        return Answer(http_status, msgspec.json.encode(content))
    # This message stands in for google.rpc.Status, which is in another package, but has the same
    # two fields: a number and a text.
    status = _messages().ExportMetricsPartialSuccess(
        rejected_data_points=_CODES[http_status], error_message=message
    )
    return Answer(http_status, status.SerializeToString())


def _messages() -> ModuleType:
    from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2  # noqa: PLC0415

    messages: ModuleType = metrics_service_pb2
    return messages
