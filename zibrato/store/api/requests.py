"""Parse request bodies, which are JSON or, as in Librato's first API, form-encoded."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from math import isfinite
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from twisted.web.iweb import IRequest

from zibrato.inflation import MAX_INFLATED, inflate
from zibrato.model import MAX_EXACT_INT
from zibrato.store.api.responses import ApiError, bad_parameter, bad_request

MAX_BODY = 1_000_000
MAX_FORM_DEPTH = 4
MAX_TEXT = 10_000
"""Characters of a text for people."""
MAX_PATTERNS = 100
"""Names with *: each of them reads the names of all metrics."""
MAX_TIME = 8_000_000_000
"""The last Unix time, and the longest duration; the store's keys have 33 bits for them."""
_TRUE = {"1", "true", "yes", "on", ""}
_FALSE = {"0", "false", "no", "off"}
_PARTS = re.compile(r"\[([^\[\]]*)\]")
_NAME = re.compile(r"[A-Za-z0-9.:_-]{1,255}")
Content = dict[str, Any]
"""A JSON object, whose values may have any type until they are checked."""


def content_of(request: IRequest) -> Content:
    """Parse the body of a request to an object; raises ApiError."""
    body = _inflated(request, request.content.read())
    kind = _content_type(request)
    # Accept JSON that is declared as a form, too: curl declares whatever it posts as a form.
    if kind == b"application/json" or body.lstrip()[:1] == b"{":
        return from_json(body)
    return from_form(body)


class _Otlp(msgspec.Struct):
    """The key that JSON of OTLP has, and Librato's doesn't."""

    resourceMetrics: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def is_otlp(request: IRequest) -> bool:
    """Return whether a request to /v1/metrics is OTLP's, which uses the same path as Librato.

    For JSON, the content decides. The body can still be read afterwards.
    """
    kind = _content_type(request)
    if kind != b"application/json":
        return kind == b"application/x-protobuf"
    body = request.content.read()
    request.content.seek(0)
    try:
        if _content_encoding(request) == b"gzip":
            body = inflate(body, MAX_INFLATED)
        # A body without this word isn't OTLP, so no body of Librato's is decoded twice.
        shape = msgspec.json.decode(body, type=_Otlp) if b'"resourceMetrics"' in body else _Otlp()
    except (ValueError, OverflowError, RecursionError):
        return False
    return shape.resourceMetrics is not msgspec.UNSET


def from_json(body: bytes) -> Content:
    """Parse a JSON text to an object; an empty text is an empty object.

    All texts in it can be encoded again: half of a surrogate pair is rejected.
    """
    try:
        content = msgspec.json.decode(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise bad_request(f"the body is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise bad_request("the body is not an object")
    return content


def from_form(body: bytes) -> Content:
    """Parse a form such as `gauges[0][name]=a&gauges[0][value]=1` to an object."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=10_000)
    except ValueError as error:
        raise bad_request(f"the body is not a form: {error}") from None
    content: Content = {}
    for name, value in pairs:
        first, bracket, _ = name.partition("[")
        path = [first, *(_PARTS.findall(name) if bracket else ())]
        if len(path) > MAX_FORM_DEPTH:
            raise bad_request(f"{name} is nested too deeply")
        _put(content, path, value)
    return content


def objects(value: object, param: str) -> list[Content]:
    """Return measurements, from an array, or from an object by name or position."""
    if isinstance(value, dict):
        value = [
            {"name": key, **inner} if isinstance(inner, dict) and not key.isdecimal() else inner
            for key, inner in value.items()
        ]
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise bad_parameter(param, "is not an array of objects")
    return value


def number(content: Mapping[str, object], param: str) -> float | None:
    """Return a finite number, which may be given as text, or None if there is none."""
    value = content.get(param)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise bad_parameter(param, "is not a number")
    try:
        value = float(value)
    except (ValueError, OverflowError):  # OverflowError is for an int beyond all floats
        raise bad_parameter(param, "is not a number") from None
    if not isfinite(value):
        raise bad_parameter(param, "is not a number")
    return value


def integer(content: Mapping[str, object], param: str) -> int | None:
    """Return a whole number that a float holds exactly, or None if there is none."""
    value = number(content, param)
    if value is not None and (value != int(value) or abs(value) > MAX_EXACT_INT):
        raise bad_parameter(param, "is not an integer")
    return None if value is None else int(value)


def seconds(content: Mapping[str, object], param: str) -> float | None:
    """Return a Unix time or a duration that the store can hold, or None if there is none."""
    value = number(content, param)
    if value is not None and not 0 <= value <= MAX_TIME:
        raise bad_parameter(param, f"is not from 0 to {MAX_TIME} seconds")
    return value


def flag(content: Mapping[str, object], param: str, default: bool) -> bool:
    """Return whether a parameter is true, in any of the usual spellings."""
    value = content.get(param)
    if value is None:
        return default
    text = str(value).lower()
    if text not in _TRUE | _FALSE:
        raise bad_parameter(param, "is neither true nor false")
    return text in _TRUE


def number_or(content: Mapping[str, object], param: str, default: float) -> float:
    """Return a finite number, or the default if there is none; 0 is a number."""
    value = number(content, param)
    return default if value is None else value


def seconds_or(content: Mapping[str, object], param: str, default: float) -> float:
    """Return a Unix time, or the default if there is none."""
    value = seconds(content, param)
    return default if value is None else value


def required_name(content: Mapping[str, object], param: str) -> str:
    """Return a name or source; raises ApiError if it is missing or invalid."""
    value = content.get(param)
    if value is None or value == "":
        raise bad_parameter(param, "is not present")
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise bad_parameter(param, "is invalid: 1 to 255 of A-Z a-z 0-9 . : - _")
    return value


def required_source(content: Mapping[str, object], param: str) -> str:
    """Return a source, `all` for all; raises ApiError if it is missing or invalid."""
    source = required_name(content, param)
    if source.lower() == "all":
        raise bad_parameter(param, "is reserved")
    return source


def name_patterns(
    content: Mapping[str, object], param: str, default: list[str] | None = None
) -> list[str]:
    """Return names in which * is any text: one, several, or a form's by position."""
    value = content.get(param, default)
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = [*value.values()]
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise bad_parameter(param, "is not an array of names")
    if sum("*" in name for name in value) > MAX_PATTERNS:
        raise bad_parameter(param, f"has more than {MAX_PATTERNS} names with *")
    return value


def reject_unknown(content: Mapping[str, object], params: Container[str]) -> None:
    """Raise ApiError for a parameter that isn't in `params`; Librato rejects the request, too."""
    for param in content:
        if param not in params:
            raise bad_parameter(param, "is not a known parameter")


def optional_text(content: Mapping[str, object], param: str) -> str | None:
    """Return a text for people, or None if there is none."""
    value = content.get(param)
    if value is not None and (not isinstance(value, str) or len(value) > MAX_TEXT):
        raise bad_parameter(param, f"is not text of at most {MAX_TEXT} characters")
    return value


def _put(content: Content, path: list[str], value: str) -> None:
    """Put a form's value at its path; `names[]`, or a repeated name, appends to a list."""
    to_list = path[-1] == "" and len(path) > 1
    *outer, last = path[:-1] if to_list else path
    for part in outer:
        content = _inner(content, part)
    before = content.get(last)
    if isinstance(before, dict):
        raise bad_request(f"{last} is both a value and an object")
    if isinstance(before, list):
        before.append(value)
    elif to_list:
        content[last] = [value]
    else:  # `names=a&names=b`, as in Librato's documentation
        content[last] = value if before is None else [before, value]


def _inner(content: Content, part: str) -> Content:
    inner = content.setdefault(part, {})
    if not isinstance(inner, dict):
        raise bad_request(f"{part} is both a value and an object")
    return inner


def _content_type(request: IRequest) -> bytes:
    kind: bytes = request.getHeader(b"content-type") or b""
    return kind.split(b";")[0].strip().lower()


def _content_encoding(request: IRequest) -> bytes:
    encoding: bytes = request.getHeader(b"content-encoding") or b"identity"
    return encoding.strip().lower()


def _inflated(request: IRequest, body: bytes) -> bytes:
    encoding = _content_encoding(request)
    if encoding == b"identity":
        return body
    if encoding != b"gzip":
        raise bad_request("Content-Encoding must be gzip", 415)
    try:
        return inflate(body, MAX_BODY)
    except OverflowError:
        raise too_large() from None
    except ValueError as error:
        raise bad_request(str(error)) from None


def too_large() -> ApiError:
    """Return the error for a body that is too large."""
    return bad_request(f"the body is larger than {MAX_BODY} bytes", 413)
