"""The test server itself: what it takes, what it rejects, and that Librato's own client agrees."""

from __future__ import annotations

import http.client
import json
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import librato
import pytest

from tests.integration.librato_server import LibratoServer

NOW = 1_700_000_000


@pytest.fixture
def server() -> Iterator[LibratoServer]:
    with LibratoServer(now=lambda: float(NOW)) as running:
        yield running


def gauge(**fields: Any) -> dict[str, Any]:
    return {"name": "depth", "source": "here", **fields}


def post(server: LibratoServer, content: Any, **headers: str) -> tuple[int, str]:
    """Post `content`, bytes as they are, and return status and body of the answer."""
    token = b64encode(f"{server.username}:{server.apikey}".encode()).decode()
    defaults = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.request("POST", server.path, body, {**defaults, **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_records_in_order_of_arrival(server: LibratoServer) -> None:
    first = {"measure_time": NOW - 10, "gauges": [gauge(value=4), gauge(name="other", value=1)]}
    second = {"source": "there", "gauges": [{"name": "Depth", "count": 2, "sum": 5.5}]}
    assert post(server, first) == (200, "")
    assert post(server, second) == (200, "")
    assert server.names() == {"depth", "other", "Depth"}
    assert [gauge["measure_time"] for gauge in server.measurements("depth")] == [NOW - 10, NOW]
    assert [gauge["source"] for gauge in server.measurements("depth")] == ["here", "there"]
    assert (server.total("depth"), server.count("depth")) == (9.5, 3)
    assert [len(request) for request in server.requests] == [2, 1]
    assert server.rejections == []


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"value": 1, "colour": "red"}, "colour"),
        ({}, "value"),
        ({"value": 1, "count": 1, "sum": 1}, "value"),
        ({"sum": 1}, "sum"),
        ({"count": 1}, "sum"),
        ({"count": 0, "sum": 0}, "count"),
        ({"count": 1.5, "sum": 0}, "count"),
        ({"count": 2, "sum": 8, "min": 1, "max": 3}, "sum"),
        ({"count": 2, "sum": 8, "sum_squares": 31}, "sum_squares"),
        ({"value": "1"}, "value"),
        ({"value": True}, "value"),
        ({"value": None}, "value"),
        ({"value": 1, "name": None}, "name"),
        ({"value": 1, "name": ""}, "name"),
        ({"value": 1, "name": "a b"}, "name"),
        ({"value": 1, "name": "n" * 256}, "name"),
        ({"value": 1, "source": "a/b"}, "source"),
        ({"value": 1, "source": "All"}, "source"),
        ({"value": 1, "measure_time": NOW + 0.5}, "measure_time"),
        ({"value": 1, "measure_time": NOW - 7201}, "measure_time"),
        ({"value": 1, "measure_time": NOW + 301}, "measure_time"),
        ({"value": 1, "attributes": "sum"}, "attributes"),
    ],
)
def test_rejects_all_for_one_bad_gauge(
    server: LibratoServer, fields: dict[str, Any], param: str
) -> None:
    good = gauge(name="good", value=1)
    status, body = post(server, {"gauges": [good, gauge(**fields)]})
    assert status == 400
    assert list(json.loads(body)["errors"]["params"]) == [param]
    assert server.requests == []
    assert server.rejections == [400]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"{}",
        b'{"gauges": [], "counters": []}',
        b'{"gauges": {}}',
        b'{"gauges": [1]}',
        b'{"gauges": [{"name": "n", "value": NaN}]}',
        b'{"gauges": [{"name": "n", "value": 1e999}]}',
        b'{"gauges": [{"name": "n", "value": 1}], "more": 1}',
        b'{"gauges": [{"name": "n", "value": 1}, {"name": "N", "value": 2}]}',
        b'{"counters": [{"name": "n", "count": 1, "sum": 1}]}',
    ],
)
def test_rejects_a_bad_request(server: LibratoServer, body: bytes) -> None:
    assert post(server, body)[0] == 400
    assert server.requests == []


def test_rejects_another_type_of_a_known_name(server: LibratoServer) -> None:
    assert post(server, {"gauges": [gauge(value=1)]})[0] == 200
    status, body = post(server, {"counters": [gauge(name="DEPTH", value=1)]})
    assert (status, json.loads(body)) == (
        400,
        {"errors": {"params": {"name": ["DEPTH is a metric of another type"]}}},
    )


def test_rejects_too_much(server: LibratoServer) -> None:
    many = [gauge(name=f"n{number}", value=1) for number in range(301)]
    assert post(server, {"gauges": many})[0] == 413
    assert post(server, {"gauges": many[1:]})[0] == 200
    assert post(server, b" " * 1_000_001)[0] == 413


def test_rejects_strangers_and_other_content(server: LibratoServer) -> None:
    assert post(server, {}, Authorization="Basic eDp5") == (401, "Authorization Required")
    form = "application/x-www-form-urlencoded"
    assert post(server, {}, **{"Content-Type": form})[0] == 415
    server.path = "/v2/metrics"
    assert post(server, {"gauges": [gauge(value=1)]})[0] == 200


def test_controls(server: LibratoServer) -> None:
    content = {"gauges": [gauge(value=1), gauge(name="bad", value=1)]}
    server.reject = lambda gauge: "is poison" if gauge["name"] == "bad" else None
    assert json.loads(post(server, content)[1]) == {"errors": {"params": {"name": ["is poison"]}}}
    server.reject = lambda gauge: None
    server.down = 503
    assert post(server, content)[0] == 503
    server.down = None
    server.rate_limit(1, 403, Retry_After="7")
    assert post(server, content) == (403, '{"error": "rate limit reached, slow down"}')
    assert post(server, content)[0] == 200
    assert server.rejections == [400, 503, 403]


def test_hangs_until_told_otherwise(server: LibratoServer) -> None:
    server.hang = True
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(post, server, {"gauges": [gauge(value=1)]})
        server.wait_for(lambda: server.hanging == 1)
        server.hang = False
        assert isinstance(answer.exception(20), http.client.RemoteDisconnected)
    assert post(server, {"gauges": [gauge(value=1)]})[0] == 200


def test_restarts_on_its_port(server: LibratoServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", "/")
    assert connection.getresponse().read() == b""
    url = server.url
    server.stop()
    with pytest.raises((http.client.HTTPException, OSError)):
        connection.request("GET", "/")
        connection.getresponse()
    connection.close()
    with pytest.raises(ConnectionRefusedError):
        post(server, {})
    server.start()
    assert server.url == url
    assert post(server, {"gauges": [gauge(value=1)]})[0] == 200


def test_waits_for_what_comes(server: LibratoServer) -> None:
    with pytest.raises(AssertionError, match="not so within 0 s"):
        server.wait_for(lambda: server.requests, 0)
    with ThreadPoolExecutor() as pool:
        pool.submit(post, server, {"gauges": [gauge(value=1)]})
        server.wait_for(lambda: server.total("depth") == 1)


def test_librato_s_own_client_is_served() -> None:
    with LibratoServer() as server:
        api = librato.connect(
            server.username, server.apikey, f"127.0.0.1:{server.port}", protocol="http"
        )
        with api.new_queue() as queue:
            for number in range(301):
                queue.add(f"metric.{number}", number, source="here")
            queue.add("visits", 7, type="counter", measure_time=int(time.time()))
        assert [len(request) for request in server.requests] == [300, 2]
        assert server.total("metric.300") == 300
        with pytest.raises(librato.exceptions.BadRequest, match="is a metric of another type"):
            api.submit("visits", 1)
        api = librato.connect("someone", "else", f"127.0.0.1:{server.port}", protocol="http")
        with pytest.raises(librato.exceptions.Unauthorized):
            api.submit("visits", 1)
