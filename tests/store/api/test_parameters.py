"""What the query of a request asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.web.test.requesthelper import DummyRequest

from zibrato.store.api.parameters import (
    PAGE,
    Page,
    first_values,
    paging,
    parameters,
    reject_unknown_parameters,
    wants_csv,
)
from zibrato.store.api.responses import ApiError


def errors_of(call: Callable[..., object], *arguments: object) -> Any:
    """Return the errors of what a call raises."""
    with pytest.raises(ApiError) as caught:
        call(*arguments)
    assert caught.value.status == 400
    return caught.value.errors


def asking(uri: bytes) -> Any:
    made: Any = DummyRequest([b""])
    made.uri = uri
    return made


def test_parameters_may_be_arrays() -> None:
    made = asking(b"/v1/metrics/a?sources[]=x&sources%5B%5D=y&count=3")
    assert parameters(made) == {"sources": ["x", "y"], "count": ["3"]}
    assert first_values(parameters(made)) == {"sources": "x", "count": "3"}


def test_a_query_of_too_many_parameters_is_rejected() -> None:
    made = asking(b"/?" + b"a=1&" * 1001)
    assert "request" in errors_of(parameters, made)


def test_a_page_is_bounded() -> None:
    assert paging({}) == Page("", 0, PAGE, False)
    asked = {"name": ["a"], "offset": ["7"], "length": ["3"], "sort": ["desc"]}
    assert paging(asked) == Page("a", 7, 3, True)
    for name, value in (
        ("offset", "-1"), ("length", "101"), ("length", "-1"), ("offset", "x"), ("sort", "up"),
        ("orderby", "type"), ("offset", "1e300"), ("offset", "1.5"), ("count", "1"),
    ):  # fmt: skip
        assert list(errors_of(paging, {name: [value]})["params"]) == [name]


def test_a_page_tells_of_all_that_there_is() -> None:
    query = {"found": 9, "length": 2, "offset": 7, "total": 20}
    content = Page("", 7, 3, False).content("metrics", 20, 9, ["a", "b"])
    assert content == {"query": query, "metrics": ["a", "b"]}


def test_the_format_is_json_or_csv() -> None:
    assert not wants_csv({})
    assert not wants_csv({"format": ["json"]})
    assert wants_csv({"format": ["csv"]})
    assert list(errors_of(wants_csv, {"format": ["xml"]})["params"]) == ["format"]


def test_what_is_not_supported_is_named() -> None:
    reject_unknown_parameters({"a": ["1"], "b": ["2"]}, {"a"}, {"b", "c"})
    assert errors_of(reject_unknown_parameters, {"a": ["1"], "d": ["2"]}, {"a"}) == {
        "params": {"d": ["is not supported here"]}
    }
