"""What a request says: bodies in JSON or, as once was the default, form-encoded; parameters."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from math import isfinite
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from twisted.web.iweb import IRequest

from zibrato.store.api.responses import ApiError, bad, bad_request

MAX_BODY = 1_000_000
MAX_DEPTH = 4
MAX_TEXT = 10_000
_GZIP = 31
_PARTS = re.compile(r"\[([^\[\]]*)\]")
Content = dict[str, Any]


def content_of(request: Any) -> Content:
    """Return the body of a request as an object; raises ApiError."""
    body = _inflated(request, request.content.read())
    kind = (request.getHeader(b"content-type") or b"").split(b";")[0].strip().lower()
    if kind == b"application/json" or body.lstrip()[:1] == b"{":
        return from_json(body)
    return from_form(body)


def from_json(body: bytes) -> Content:
    """Return the object of a JSON text; an empty one has nothing in it."""
    try:
        content = json.loads(body or b"{}", parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"the body is no JSON: {error}") from None
    if not isinstance(content, dict):
        raise bad_request("the body is not an object")
    return content


def from_form(body: bytes) -> Content:
    """Return the object of a form such as `gauges[0][name]=a&gauges[0][value]=1`."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=10_000)
    except ValueError as error:
        raise bad_request(f"the body is no form: {error}") from None
    content: Content = {}
    for name, value in pairs:
        first, bracket, _ = name.partition("[")
        path = [first, *(_PARTS.findall(name) if bracket else ())]
        if len(path) > MAX_DEPTH:
            raise bad_request(f"{name} is nested too deeply")
        _put(content, path, value)
    return content


def listed(value: Any, param: str) -> list[Content]:
    """Return measurements, which may be an array, or an object by name or position."""
    if isinstance(value, dict):
        value = [
            {"name": name, **each} if isinstance(each, dict) and not name.isdecimal() else each
            for name, each in value.items()
        ]
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise bad(param, "is not an array of objects")
    return value


def number(content: Mapping[str, Any], param: str) -> float | None:
    """Return a finite number, which may be text, or None where there is none."""
    value = content.get(param)
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise bad(param, "is not a number") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad(param, "is not a number")
    try:
        value = float(value)
    except OverflowError:
        value = float("inf")
    if not isfinite(value):
        raise bad(param, "is not a number")
    return value


def whole(content: Mapping[str, Any], param: str) -> int | None:
    """Return a whole number, or None where there is none."""
    value = number(content, param)
    if value is None:
        return None
    if value != int(value):
        raise bad(param, "is not an integer")
    return int(value)


def optional_text(content: Mapping[str, Any], param: str) -> str | None:
    """Return a text for people, or None where there is none."""
    value = content.get(param)
    if value is not None and (not isinstance(value, str) or len(value) > MAX_TEXT):
        raise bad(param, f"is no text of at most {MAX_TEXT} characters")
    return value


def parameters(request: Any) -> dict[str, list[str]]:
    """Return the parameters of a request's query; `[]` at the end of a name makes no difference."""
    query = request.uri.partition(b"?")[2].decode("ascii", "replace")
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=1000)
    except ValueError as error:
        raise bad_request(str(error)) from None
    for name, value in pairs:
        found.setdefault(name.removesuffix("[]"), []).append(value)
    return found


def first_of(found: Mapping[str, list[str]]) -> dict[str, str]:
    """Return the first value of each parameter."""
    return {name: values[0] for name, values in found.items()}


def _put(content: Content, path: list[str], value: str) -> None:
    """Put a form's value where its name says; `names[]` adds to a list."""
    *way, last = path
    if last == "" and way:
        *way, last = way
        for part in way:
            content = _inner(content, part)
        content.setdefault(last, [])
        if isinstance(content[last], list):
            content[last].append(value)
        return
    for part in way:
        content = _inner(content, part)
    content[last] = value


def _inner(content: Content, part: str) -> Content:
    inner = content.setdefault(part, {})
    if not isinstance(inner, dict):
        raise bad_request(f"{part} is both a value and an object")
    return inner


def _inflated(request: IRequest, body: bytes) -> bytes:
    encoding = (request.getHeader(b"content-encoding") or b"identity").strip().lower()
    if encoding == b"identity":
        return body
    if encoding != b"gzip":
        raise bad_request("Content-Encoding must be gzip", 415)
    inflating = zlib.decompressobj(_GZIP)
    try:
        inflated = inflating.decompress(body, MAX_BODY + 1)
    except zlib.error as error:
        raise bad_request(f"the body is not gzip: {error}") from None
    if len(inflated) > MAX_BODY:
        raise too_large()
    if not inflating.eof:
        raise bad_request("the body is not all of its gzip")
    return inflated


def too_large() -> ApiError:
    """Return the refusal of a body past its bound."""
    return bad_request(f"the body is larger than {MAX_BODY} bytes", 413)


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")
