"""Which answers are final, which mean later, and what they say."""

from __future__ import annotations

import pytest
from twisted.web.http_headers import Headers

from zibrato.backends.http_responses import SLOW, Response
from zibrato.backends.remote_write.responses import classify, is_late
from zibrato.interfaces import RetryLater


def answer(status: int, body: bytes = b"", **headers: str) -> Response:
    return Response(status, Headers({name: [value] for name, value in headers.items()}), body)


def test_what_is_taken_and_what_never_will_be() -> None:
    assert classify(answer(200), 0.0) is None
    assert classify(answer(204), 0.0) is None
    assert classify(answer(400, b"label\nname"), 0.0) == "400 label name"


@pytest.mark.parametrize("status", [408, 429, 500, 501, 503, 504, 507, 521])
def test_the_server_s_trouble_passes(status: int) -> None:
    with pytest.raises(RetryLater, match=f"the server answered {status} full") as caught:
        classify(Response(status, Headers({"Retry-After": ["7"]}), b"full"), 0.0)
    assert caught.value.after == 7.0


@pytest.mark.parametrize("status", [301, 401, 402, 403, 404, 405, 407])
def test_what_people_must_mend_is_tried_seldom(status: int) -> None:
    with pytest.raises(RetryLater, match=str(status)) as caught:
        classify(answer(status), 0.0)
    assert caught.value.after == SLOW


@pytest.mark.parametrize(
    ("reason", "late"),
    [
        ("400 out of order sample", True),
        ("400 duplicate sample for timestamp", True),
        ("400 out of bounds", True),
        ("400 the sample has been rejected: err-mimir-sample-out-of-order", True),
        ("400 invalid label name", False),
    ],
)
def test_what_is_late_is_told_from_what_is_wrong(reason: str, late: bool) -> None:
    assert is_late(reason) is late
