"""Whatever requests ask for, there are few series, and nothing raises."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.integrations.exchanges import exceptions, routes, statuses
from zibrato.integrations.requests import MAX_ROUTES, METHODS, Requests
from zibrato.testing import RecordingZibrato


class Raising:
    """What raises whatever is done with it."""

    def __hash__(self) -> int:
        raise RuntimeError

    def __eq__(self, _: object) -> bool:
        raise RuntimeError

    def __str__(self) -> str:
        raise RuntimeError


class RaisingText(str):
    """A text that raises when it is looked up."""

    __slots__ = ()

    def __hash__(self) -> int:
        raise RuntimeError


class Nameless(type):
    """Makes classes that won't say their name."""

    @property
    def __name__(cls) -> str:  # type: ignore[override]  # it is read alone
        raise RuntimeError


@pytest.fixture
def z() -> RecordingZibrato:
    return RecordingZibrato()


def test_a_request_has_three_tags(z: RecordingZibrato) -> None:
    requests = Requests(z)
    requests.record("/items/<id>", "GET", 200, 0.5)
    requests.record("/items/<id>", "GET", 204, 0.25)
    requests.record("/items/<id>", "POST", 503, 2.0)
    read = {"route": "/items/<id>", "method": "GET", "status": "2xx"}
    written = {"route": "/items/<id>", "method": "POST", "status": "5xx"}
    assert z.counted("http.requests", tags=read) == 2
    assert z.timed("http.request_time", tags=read) == [0.5, 0.25]
    assert z.counted("http.requests", tags=written) == 1
    assert z.timed("http.request_time", tags=written) == [2.0]
    assert [measured.tags for measured in z.measurements] == [read, written, read, written]


def test_made_up_methods_are_one(z: RecordingZibrato) -> None:
    requests = Requests(z)
    for method in (*METHODS, *(f"HACK{number}" for number in range(100)), "get", "", None):
        requests.record("/", method, 200, 0.1)
    methods = {counter.tags["method"] for counter in z.measurements}
    assert methods == METHODS | {"other"}
    assert z.counted("http.requests", tags={"method": "other"}) == 103


def test_paths_taken_for_routes_are_one_in_the_end(z: RecordingZibrato) -> None:
    requests = Requests(z)
    for number in range(MAX_ROUTES + 500):
        requests.record(f"/{number}", "GET", 200, 0.1)
        requests.count_exception(f"/{number}", LookupError)
    assert len(routes(z)) == MAX_ROUTES + 1
    assert z.counted("http.requests", tags={"route": "other"}) == 500
    assert exceptions(z)["other", "LookupError"] == 500
    requests.record("/0", "GET", 200, 0.1)
    assert z.counted("http.requests", tags={"route": "/0"}) == 2


@pytest.mark.parametrize("route", [None, "", 3, b"/x", ["/x"], Raising()])
def test_what_is_no_route_is_other(z: RecordingZibrato, route: object) -> None:
    Requests(z).record(route, "GET", 200, 0.1)
    Requests(z).count_exception(route, LookupError)
    assert routes(z) == {"other"}


@pytest.mark.parametrize("method", [None, ["GET"], Raising()])
def test_what_is_no_method_is_other(z: RecordingZibrato, method: object) -> None:
    Requests(z).record("/", method, 200, 0.1)
    assert z.counted("http.requests", tags={"method": "other"}) == 1


@pytest.mark.parametrize("status", [0, -1, 99, 600, 10**30, None, "200", Raising()])
def test_what_is_no_status_is_a_failure_of_the_server(z: RecordingZibrato, status: Any) -> None:
    Requests(z).record("/", "GET", status, 0.1)
    assert statuses(z) == ["5xx"]


def test_texts_of_the_host_s_own_and_long_ones_are_texts(z: RecordingZibrato) -> None:
    Requests(z).record(RaisingText("/" + "x" * 300), RaisingText("GET"), 200, 0.1)
    (tags,) = {tuple(measured.tags.items()) for measured in z.measurements}
    assert dict(tags) == {"route": "/" + "x" * 254, "method": "GET", "status": "2xx"}


def test_an_exception_may_have_any_name(z: RecordingZibrato) -> None:
    requests = Requests(z)
    for kind in (Nameless("Bad", (Exception,), {}), type("", (Exception,), {})):
        requests.count_exception("/", kind)
    requests.count_exception("/", type("X" * 300, (Exception,), {}))
    assert set(exceptions(z)) == {("/", "Bad"), ("/", "other"), ("/", "X" * 255)}


def test_threads_lose_nothing(z: RecordingZibrato) -> None:
    requests = Requests(z)
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        for number in range(500):
            requests.record(f"/{number % 50}", "GET", 200, 0.1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert z.counted("http.requests") == 2000
    assert len(z.timed("http.request_time")) == 2000
