"""Whatever is asked for and posted, at every route, is answered, and never by a fault of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import copy
from itertools import product
from typing import Any
from urllib.parse import quote, quote_from_bytes, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.soak import rounds, some
from tests.store.web.cases import WebTestCase
from tests.store.web.every_route import GOOD, routes
from tests.store.web.raw_client import Response, sent
from zibrato.store.web.service import tree
from zibrato.store.web.site import BoundedSite

NUMBERS = (
    "0", "-1", "0.5", "1e300", "-1e308", "1e-320", "1e999", "nan", "-inf", "9" * 400, "9" * 5000,
    str(2**53 + 1), str(2**63), str(10**22), "0x10", "1_0", "\u0663", " 1 ", "true", "null",
)  # fmt: skip
TEXTS = (
    "\U00010000", "", "\x00", "a\x00b", "\x1f\x7f", "%", "%00", "%ed%a0%80", "%ff", "\ud800",
    "\udfffa", "a" * 3000, "é" * 300, "*" * 300, "a*" * 2000, "../../etc/passwd", "/", "//", "[",
    "]", "[]", "tags[", "a[b]", '"', "'", "\\", "(" * 40, "not " * 900, "!" * 99, "=", "a=b or",
    ",,,", "1,x", "{}", "[1]", 's("a", "*")', "sum(" * 40, "all", "unassigned", "sum", "csv",
    "derivative", "\r\n",
)  # fmt: skip
HEADERS = (
    {"Content_Type": "application/json"},
    {"Content_Type": "application/x-www-form-urlencoded"},
    {"Content_Type": "multipart/form-data; boundary=x"},
    {"Content_Type": "\x01"},
    {"Content_Type": "application/x-protobuf"},
    {"Content_Encoding": "gzip"},
    {"Content_Encoding": "br"},
    {"Accept_Encoding": "gzip;q=x, *"},
    {"If_None_Match": '"' * 99},
    {"Expect": "100-continue"},
)
BODIES = (
    b"[" * 100_000, b'{"a":' * 900 + b"1" + b"}" * 900, b'{"gauges":' * 90_000, b"\xff\xfe{",
    b"\xef\xbb\xbf{}", b'{"gauges": [{"name": "m", "value": 1' + b"0" * 5000 + b"}]}", b"a=" * 900,
    b"gauges[0][name]=m&gauges[0][value]=%ed%a0%80", b"a[" * 9000, b"&" * 20_000, b"null", b'""',
    b'{"resourceMetrics": [{}]}', b"names=" + b"a*" * 3000,
    b"\x1f\x8b" + b"\x00" * 99, b'{"gauges": {"0": [], "\\ud800": {}}}',
)  # fmt: skip
texts = st.sampled_from(NUMBERS + TEXTS) | st.text(max_size=20) | st.floats().map(repr)
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | texts
    | st.sampled_from([10**22, -(10**22), 2**64, 2**63, 10**400, 1e300, -1e308])
)  # fmt: skip
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 0.5, 10**22, -(10**22), 2**63, 2**64, 10**400, 1e300, -1e308, 5e-324, [], {},
    "", "\x00", "\ud800", {"\udfff": 1}, "x" * 300, ["x"], [[]], [{}], {"x": {"x": [{}]}}, "1e300",
)  # fmt: skip
PARAMETERS = sorted({param for good in GOOD.values() for param in good.query} | {"compose"})
FIELDS = sorted({field for good in GOOD.values() for field in good.body or ()} | {"composite"})
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get")


def each_part_replaced(value: Any) -> Iterator[Any]:
    """Generate a body with each value in place of each of its parts, at any depth."""
    yield from VALUES
    parts = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, part in parts:
        for other in each_part_replaced(part):
            whole = copy(value)
            whole[key] = other
            yield whole


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """Return a body of which one part, at any depth, is another or has another beside it."""
    if isinstance(value, dict) and value and draw(st.integers(0, 3)):
        field = draw(st.sampled_from([*value, *FIELDS]) if draw(st.booleans()) else texts)
        return {**value, field: draw(changed(value.get(field)))}
    if isinstance(value, list) and value and draw(st.booleans()):
        return [*value[1:], draw(changed(value[0]))]
    return draw(values)


class Asked(WebTestCase):
    """Requests as bytes, to a store in which there is something."""

    def setUp(self) -> None:
        super().setUp()
        self.site = BoundedSite(self.access_control, self.clock)
        self.event = 0
        self.fill()

    def fill(self) -> None:
        """Post what good requests ask for."""
        self.good("POST", "/v1/metrics/")
        self.good("POST", "/v1/measurements/")
        self.event = json.loads(self.good("POST", "/v1/annotations/<name>").body)["id"]

    def uri(self, route: str, segments: dict[str, str], query: list[tuple[str, str]]) -> bytes:
        """Return what is asked for, with these in place of a good request's."""
        for placeholder, segment in segments.items():
            text = str(self.event) if segment == "EVENT" else segment
            quoted = quote_from_bytes(text.encode("utf-8", "surrogatepass"), safe="")
            route = route.replace(placeholder, quoted)
        text = urlencode(query, errors="surrogatepass", quote_via=quote)
        return f"{route}?{text}".encode()

    def send(self, method: str, path: bytes, body: bytes = b"", **headers: str) -> Response:
        """Return the response, which is not the server's fault, and is JSON where it should be."""
        response = sent(self.site, method, path, body, **headers)
        self.assertLess(response.status, 500, (method, path, body, response))
        if path.startswith(b"/v1/") and response.status >= 400 and response.body:
            self.assertIn("errors", json.loads(response.body), (method, path, response))
        return response

    def good(self, method: str, route: str) -> Response:
        """Return the response to a good request."""
        segments, query, body = GOOD[method, route]
        path = self.uri(route, {**segments}, [*query.items()])
        content = b"" if body is None else json.dumps(body).encode()
        response = self.send(method, path, content, Content_Type="application/json")
        self.assertLess(response.status, 300, (method, path, response))
        return response


class AnythingTests(Asked):
    def test_there_is_a_good_request_for_every_route(self) -> None:
        self.assertEqual({*GOOD}, {*routes(tree(self.store))})
        for method, route in sorted(GOOD, key=lambda one: (one[0] == "DELETE", -len(one[1]))):
            self.good(method, route)

    @pytest.mark.attack(
        "surrogates, huge numbers, deep nesting at each route",
        before="the server failed, and each page that listed one",
    )
    @pytest.mark.soak
    def test_each_value_in_each_place_is_answered(self) -> None:
        for place, (method, route) in enumerate(GOOD):
            segments, query, body = GOOD[method, route]
            values = some(NUMBERS + TEXTS, place)
            for name, value in product(segments, values):
                self.send(method, self.uri(route, {**segments, name: value}, [*query.items()]))
            for param, value in product(query, values):
                self.send(method, self.uri(route, {**segments}, [(param, value)]))
            if body is not None:
                uri = self.uri(route, {**segments}, [])
                for content in some([*each_part_replaced(body)], place):
                    self.send(method, uri, json.dumps(content).encode())
                for raw in some(BODIES, place):
                    self.send(method, uri, raw, Content_Type="application/json")
                    self.send(method, uri, raw)
                self.look_at_everything()

    @settings(max_examples=rounds(5_000))
    @given(st.data())
    @pytest.mark.attack(
        "whatever there is at each route", before="the server failed for numbers such as 1e300"
    )
    def test_whatever_is_asked_for_is_answered(self, data: st.DataObject) -> None:
        method, route = data.draw(st.sampled_from(sorted(GOOD)))
        segments, query, body = GOOD[method, route]
        params, named = [*query.items()], {**segments}
        headers = {"Content_Type": "application/json"}
        content = b"" if body is None else json.dumps(body).encode()
        for part in data.draw(st.sets(st.sampled_from(["path", "query", "body", "other"]))):
            if part == "path" and named:
                named[data.draw(st.sampled_from(sorted(named)))] = data.draw(texts)
            elif part == "query":
                param = data.draw(st.sampled_from([*query, *PARAMETERS]) | texts)
                params = [pair for pair in params if pair[0] != param or data.draw(st.booleans())]
                params.append((param, data.draw(texts)))
            elif part == "body" and data.draw(st.integers(0, 3)):
                content = json.dumps(data.draw(changed(body))).encode()
            elif part == "body":
                content = data.draw(st.sampled_from(BODIES) | st.binary(max_size=99))
            elif data.draw(st.booleans()):
                method = data.draw(st.sampled_from(METHODS))
            else:
                headers.update(data.draw(st.sampled_from(HEADERS)))
        response = self.send(method, self.uri(route, named, params), content, **headers)
        if method not in {"GET", "HEAD"} and response.status < 300:
            self.look_at_everything()

    def look_at_everything(self) -> None:
        """Ask for all that lists what was changed, having posted what may be gone."""
        self.fill()
        for method, route in GOOD:
            if method == "GET" and not route.startswith(("/static", "/favicon")):
                segments, *_ = GOOD[method, route]
                self.send(method, self.uri(route, {**segments}, [("duration", "9")]))
                self.send(method, self.uri(route, {**segments}, []))
