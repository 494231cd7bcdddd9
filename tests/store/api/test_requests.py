"""What a request's body says, and each of its values."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.web.test.requesthelper import DummyRequest

from zibrato.store.api.requests import (
    MAX_BODY,
    MAX_PATTERNS,
    MAX_TEXT,
    MAX_TIME,
    Content,
    content_of,
    flag,
    from_form,
    from_json,
    integer,
    is_otlp,
    name_patterns,
    number,
    number_or,
    objects,
    optional_text,
    required_name,
    seconds,
    seconds_or,
)
from zibrato.store.api.responses import ApiError


def error_of(call: Callable[..., object], *arguments: object) -> ApiError:
    """Return the error that a call raises."""
    with pytest.raises(ApiError) as caught:
        call(*arguments)
    return caught.value


def request(body: bytes, **headers: str) -> Any:
    made: Any = DummyRequest([b""])
    made.content = io.BytesIO(body)
    for name, value in headers.items():
        made.requestHeaders.addRawHeader(name.replace("_", "-"), value)
    return made


def test_a_form_is_the_historical_default() -> None:
    body = b"gauges[0][name]=a&gauges[0][value]=1&gauges[1][name]=b&gauges[1][value]=2&source=s"
    content = content_of(request(body))
    gauges = {"0": {"name": "a", "value": "1"}, "1": {"name": "b", "value": "2"}}
    assert content == {"gauges": gauges, "source": "s"}
    assert from_form(b"names[]=a&names[]=b%20c") == {"names": ["a", "b c"]}
    assert from_form(b"names=a&names=b&names=c&x=1") == {"names": ["a", "b", "c"], "x": "1"}


def test_json_is_known_by_its_type_or_its_looks_and_may_be_gzipped() -> None:
    body = json.dumps({"gauges": [{"name": "a", "value": 1}]}).encode()
    plain = {"gauges": [{"name": "a", "value": 1}]}
    assert content_of(request(body, content_type="application/json; charset=utf-8")) == plain
    assert content_of(request(body, content_type="application/x-www-form-urlencoded")) == plain
    assert content_of(request(gzip.compress(body), content_encoding="gzip")) == plain
    assert content_of(request(b"", content_type="application/json")) == {}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[1]", {"content_type": "application/json"}, 400),
        (b'{"a": NaN}', {}, 400),
        (b'{"a": 1e999}', {}, 400),
        (rb'{"a": "\ud800"}', {}, 400),
        (rb'{"\udfff": 1}', {}, 400),
        (b'{"a": "\xff"}', {}, 400),
        (b"[" * 100_000, {"content_type": "application/json"}, 400),
        (b"a[b][c][d][e]=1", {}, 400),
        (b"a=1&a[b]=2", {}, 400),
        (b"a[b]=2&a=1", {}, 400),
        (b"x", {"content_encoding": "br"}, 415),
        (b"x", {"content_encoding": "gzip"}, 400),
        (gzip.compress(b"{}", mtime=0)[:-4], {"content_encoding": "gzip"}, 400),
        (gzip.compress(b" " * (MAX_BODY + 1), mtime=0), {"content_encoding": "gzip"}, 413),
    ],
)
def test_a_body_that_is_none_is_rejected(body: bytes, headers: dict[str, str], status: int) -> None:
    assert error_of(content_of, request(body, **headers)).status == status


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3.0), ("2e1", 20.0), (0, 0.0), (None, None), (-1.5, -1.5), (2**53, 2.0**53)],
)
def test_a_number_may_be_text(value: object, expected: float | None) -> None:
    assert number({"x": value}, "x") == expected
    assert number_or({"x": value}, "x", 7.0) == (7.0 if value is None else expected)


@pytest.mark.parametrize("value", [True, "", "x", [1], {}, "nan", "inf", 10**400, float("inf")])
def test_what_is_no_number_is_named(value: object) -> None:
    for read in (number, integer, lambda c, p: number_or(c, p, 1.0)):
        assert error_of(read, {"x": value}, "x").errors == {"params": {"x": ["is not a number"]}}


def test_a_flag_is_written_in_many_ways() -> None:
    for text, expected in (("1", True), ("TRUE", True), ("", True), ("0", False), ("false", False)):
        assert flag({"x": text}, "x", not expected) is expected
    assert flag({}, "x", True) is True
    assert error_of(flag, {"x": "2"}, "x", True).errors == {
        "params": {"x": ["is neither true nor false"]}
    }


def test_an_integer_is_whole() -> None:
    assert integer({"x": "4"}, "x") == 4
    assert integer({}, "x") is None
    for value in (1.5, 1e300, -(10**22), "1e300"):
        errors = error_of(integer, {"x": value}, "x").errors
        assert errors == {"params": {"x": ["is not an integer"]}}


def test_a_time_is_one_that_the_store_has() -> None:
    assert seconds({"x": "1.5"}, "x") == 1.5
    assert seconds({"x": MAX_TIME}, "x") == MAX_TIME
    assert seconds({}, "x") is None
    assert seconds_or({}, "x", 7.0) == 7.0
    assert seconds_or({"x": 0}, "x", 7.0) == 0
    for value in (-1, 1e300, "-1e308", MAX_TIME + 1):
        assert "is not from 0 to" in str(error_of(seconds, {"x": value}, "x").errors)


def test_a_name_is_there_and_legal() -> None:
    for name in ("a", "A.b:c-d_9", "x" * 255):
        assert required_name({"name": name}, "name") == name
    for missing in (None, ""):
        assert error_of(required_name, {"name": missing}, "name").errors == {
            "params": {"name": ["is not present"]}
        }
    for illegal in ("a b", "x" * 256, "ä", 3, "a\n"):
        assert "is invalid" in str(error_of(required_name, {"name": illegal}, "name").errors)


def test_a_text_for_people_is_bounded() -> None:
    assert optional_text({"t": "ä" * MAX_TEXT}, "t") == "ä" * MAX_TEXT
    assert optional_text({}, "t") is None
    for bad in ("x" * (MAX_TEXT + 1), 3, ["x"]):
        assert error_of(optional_text, {"t": bad}, "t").status == 400


def test_objects_come_as_an_array_by_name_or_by_position() -> None:
    one, two = {"name": "a", "value": 1}, {"name": "b", "value": 2}
    assert objects([one, two], "gauges") == [one, two]
    assert objects({"a": {"value": 1}, "b": {"value": 2}}, "gauges") == [one, two]
    assert objects({"0": one, "1": two}, "gauges") == [one, two]
    for bad in (3, [one, 3], {"a": 3}):
        assert error_of(objects, bad, "gauges").status == 400


def test_patterns_are_bounded_and_names_are_not() -> None:
    names = ["a*"] * MAX_PATTERNS + ["a"] * 1000
    assert name_patterns({"names": names}, "names") == names
    errors = error_of(name_patterns, {"names": [*names, "*"]}, "names").errors
    assert errors == {"params": {"names": ["has more than 100 names with *"]}}


numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_a_json_object_is_what_was_written(content: Content) -> None:
    assert from_json(json.dumps(content).encode()) == content


@pytest.mark.parametrize("constant", [b"NaN", b"Infinity", b"-Infinity"])
def test_what_is_no_number_of_json_is_rejected(constant: bytes) -> None:
    assert error_of(from_json, b'{"a": [%s]}' % constant).status == 400


@given(st.binary())
def test_whatever_a_form_is_there_is_an_object_or_an_api_error(body: bytes) -> None:
    try:
        assert isinstance(from_form(body), dict)
    except ApiError as error:
        assert error.status == 400  # noqa: PT017 - either is right


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b"", "application/x-protobuf", True),
        (b'{"resourceMetrics": []}', "Application/JSON; charset=utf-8", True),
        (b'{"resourceMetrics": []}', "text/plain", False),
        (b'{"gauges": [{"name": "resourceMetrics"}]}', "application/json", False),
        (b'{"gauges": [{"resourceMetrics": []}]}', "application/json", False),
        (b'["resourceMetrics"]', "application/json", False),
        (b'{"resourceMetrics"', "application/json", False),
        (b'{"a":' * 200_000 + b'"resourceMetrics"', "application/json", False),
        (b"{}", "application/json", False),
    ],
)
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_otlp_shares_a_path_with_librato(
    body: bytes, kind: str, expected: bool, coding: str
) -> None:
    sent = gzip.compress(body) if coding == "gzip" else body
    asked = request(sent, content_type=kind, content_encoding=coding)
    before = asked.content.getvalue()
    assert is_otlp(asked) is expected
    assert asked.content.read() == before


def test_what_is_no_gzip_is_not_otlp_s() -> None:
    kind = "application/json"
    body = b'{"resourceMetrics": []}'
    assert not is_otlp(request(body, content_type=kind, content_encoding="gzip"))
