"""What a request makes us parse takes time in proportion to its size, whatever is in it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from time import thread_time

import pytest

from zibrato.store.api.requests import from_form, from_json, name_patterns, objects, required_name
from zibrato.store.api.responses import ApiError
from zibrato.store.api.tag_search import matches

SMALL = 100_000
"""Bytes; four times as many are nearly half of what a body may have."""
FORMS = {
    "open brackets": b"a" + b"[" * SMALL,
    "closed brackets": b"a[" + b"]" * SMALL,
    "empty brackets": b"a" + b"[]" * (SMALL // 2),
    "a long part": b"a[" + b"b" * SMALL,
    "percents": b"%" * SMALL,
    "codes": b"%c3" * (SMALL // 3),
    "plus signs": b"a=" + b"+" * SMALL,
    "equals signs": b"=" * SMALL,
    "the same name": b"a=1&" * 1250,
    "a list": b"names[]=" + b"a&names[]=" * 1250,
    "measurements": b"".join(b"gauges[%d][name]=m&" % number for number in range(1250)),
    "no fields": b"&" * SMALL,
}
JSON = {
    "digits": b'{"a": ' + b"1" * SMALL + b"}",
    "a fraction": b'{"a": 0.' + b"1" * SMALL + b"}",
    "an exponent": b'{"a": 1e' + b"1" * SMALL + b"}",
    "escapes": b'{"a": "' + rb"\ud83d\ude00" * (SMALL // 12) + b'"}',
    "spaces": b" " * SMALL + b"{}",
    "the same key": b'{"a": 1' + b', "a": 1' * (SMALL // 8) + b"}",
    "depth": b'{"a": ' + b"[" * SMALL,
    "a list": b'{"a": [' + b"1," * (SMALL // 2) + b"1]}",
}


def four_times(body: bytes) -> bytes:
    """Return a body of the same sort, four times as long: its longest run is."""
    head, tail = body[:16], body[-16:]
    return head + body[16:-16] * 4 + tail


def ratio(call: Callable[[bytes], object], body: bytes) -> float:
    """Return how many times as long four times as much takes, the best of some runs."""
    times: dict[int, float] = {}
    for one in (body, four_times(body)) * 4:
        start = thread_time()
        with suppress(ApiError):  # what is rejected has to be quick as well
            call(one)
        times[len(one)] = min(times.get(len(one), 1e9), thread_time() - start)
    small, large = times.values()
    return large / max(small, 0.0002)


@pytest.mark.parametrize("name", FORMS)
def test_a_form(name: str) -> None:
    assert ratio(from_form, FORMS[name]) < 10


@pytest.mark.parametrize("name", JSON)
def test_json(name: str) -> None:
    assert ratio(from_json, JSON[name]) < 10


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("objects", lambda body: objects({f"{n}": {} for n in range(len(body) // 8)}, "gauges")),
        ("a name", lambda body: required_name({"name": body.decode()}, "name")),
        ("names", lambda body: name_patterns({"names": body.decode().split("a")}, "names")),
        ("a pattern", lambda body: matches(body.decode().replace("a", "*a"), "a" * 255 + "b")),
        ("a value", lambda body: matches("*a" * 100 + "b", body.decode())),
    ],
)
def test_what_is_then_looked_at(name: str, call: Callable[[bytes], object]) -> None:
    assert ratio(call, b"a" * SMALL) < 10, name
