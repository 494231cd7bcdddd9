"""Posts as clients send them, and what is wrong with others."""

from __future__ import annotations

from typing import Any

import pytest

from zibrato.model import Summary
from zibrato.store.api.requests import (
    Content,
    from_json,
)
from zibrato.store.api.responses import ApiError
from zibrato.store.api.submissions import legacy, tagged
from zibrato.store.db.metadata import Submission

NOW = 1_700_000_000.5


def error_of(call: Any, *arguments: Any) -> tuple[int, Any]:
    with pytest.raises(ApiError) as caught:
        call(*arguments)
    return caught.value.status, caught.value.errors


def test_a_gauge_with_a_value_is_one_reading_now() -> None:
    (found,) = legacy({"gauges": [{"name": "a", "value": 2}]}, NOW)
    assert found == Submission(
        "gauge", "a", "", (), 1_700_000_000, Summary(1, 2.0, 2.0, 2.0, 4.0, 2.0), {}
    )


def test_source_and_time_are_inherited_and_overruled() -> None:
    content = {
        "source": "top", "measure_time": 1_699_999_990,
        "gauges": [{"name": "a", "value": 1}, {"name": "b", "value": 1, "source": "own"}],
        "counters": [{"name": "c", "value": 1, "measure_time": 1_699_999_980}],
    }  # fmt: skip
    found = [(each.type, each.name, each.source, each.when) for each in legacy(content, NOW)]
    assert found == [
        ("gauge", "a", "top", 1_699_999_990),
        ("gauge", "b", "own", 1_699_999_990),
        ("counter", "c", "top", 1_699_999_980),
    ]


def test_sums_come_with_what_is_known_of_them() -> None:
    each = {"name": "a", "count": 4, "sum": 8, "min": 1, "max": 3, "sum_squares": 20, "last": 3}
    (found,) = legacy({"gauges": [each]}, NOW)
    assert found.summary == Summary(4, 8.0, 1.0, 3.0, 20.0, 3.0)
    (found,) = legacy({"gauges": [{"name": "a", "count": 4, "sum": 8}]}, NOW)
    assert found.summary == Summary(4, 8.0, 2.0, 2.0, 16.0, 2.0)


def test_objects_stand_for_arrays() -> None:
    by_name = {"gauges": {"a": {"value": 1}, "b": {"value": 2}}}
    assert [each.name for each in legacy(by_name, NOW)] == ["a", "b"]
    by_position = {"gauges": {"0": {"name": "a", "value": "1"}, "1": {"name": "b", "value": "2e1"}}}
    assert [each.summary.sum for each in legacy(by_position, NOW)] == [1, 20]


@pytest.mark.parametrize(
    ("content", "errors"),
    [
        ({}, {"request": ["The request has no measurements: give gauges or counters"]}),
        ({"gauges": 3}, {"params": {"gauges": ["is not an array of objects"]}}),
        ({"gauges": [{"value": 1}]}, {"params": {"name": ["is not present"]}}),
        ({"gauges": [{"name": "a b", "value": 1}]},
         {"params": {"name": ["is invalid: 1 to 255 of A-Z a-z 0-9 . : - _"]}}),
        ({"gauges": [{"name": "a"}]}, {"params": {"value": ["is not present"]}}),
        ({"gauges": [{"name": "a", "value": True}]}, {"params": {"value": ["is not a number"]}}),
        ({"gauges": [{"name": "a", "value": "x"}]}, {"params": {"value": ["is not a number"]}}),
        ({"gauges": [{"name": "a", "value": 1, "sum": 2}]},
         {"params": {"value": ["excludes count and sum"]}}),
        ({"gauges": [{"name": "a", "sum": 2}]}, {"params": {"count": ["is not present"]}}),
        ({"gauges": [{"name": "a", "count": 2}]}, {"params": {"sum": ["is not present"]}}),
        ({"gauges": [{"name": "a", "sum": 2, "count": 1.5}]},
         {"params": {"count": ["is not an integer"]}}),
        ({"gauges": [{"name": "a", "sum": 2, "count": 0}]},
         {"params": {"count": ["is not a positive integer"]}}),
        ({"gauges": [{"name": "a", "value": 1, "source": "all"}]},
         {"params": {"source": ["is reserved"]}}),
        ({"gauges": [{"name": "a", "value": 1, "measure_time": NOW - 7300}]},
         {"params": {"measure_time": ["is not an integer"]}}),
        ({"gauges": [{"name": "a", "value": 1, "measure_time": 1_699_992_000}]},
         {"params": {"measure_time": ["is too far in the past"]}}),
        ({"gauges": [{"name": "a", "value": 1, "measure_time": 1_700_001_000}]},
         {"params": {"measure_time": ["is in the future"]}}),
        ({"counters": [{"name": "a", "count": 1, "sum": 1}]},
         {"params": {"value": ["is not present"]}}),
        ({"gauges": [{"name": "a", "value": 1, "attributes": 3}]},
         {"params": {"attributes": ["is not an object"]}}),
    ],
)  # fmt: skip
def test_what_is_wrong_fails_the_post(content: Content, errors: Any) -> None:
    assert error_of(legacy, content, NOW) == (400, errors)


def test_tags_are_lower_case_replace_those_on_top_and_may_name_the_source() -> None:
    content = {
        "tags": {"Region": "US"}, "time": 1_699_999_990,
        "measurements": [
            {"name": "a", "value": 1},
            {"name": "a", "value": 1, "tags": {"host": "Web 1", "source": "s"}},
        ],
    }  # fmt: skip
    found = [(each.tags, each.source, each.when) for each in tagged(content, NOW)]
    assert found == [
        ((("region", "us"),), "", 1_699_999_990),
        ((("host", "web 1"),), "s", 1_699_999_990),
    ]


@pytest.mark.parametrize(
    ("content", "param"),
    [
        ({"measurements": [{"name": "a", "value": 1, "nix": 1}]}, "nix"),
        ({"measurements": [{"name": "a", "value": 1}], "source": "s"}, "source"),
        ({"measurements": []}, "measurements"),
        ({"measurements": [{"name": "a", "value": 1, "tags": {"a b": "c"}}]}, "tags"),
        ({"measurements": [{"name": "a", "value": 1, "tags": {"a": ""}}]}, "tags"),
        ({"measurements": [{"name": "a", "value": 1, "tags": {"a": 1}}]}, "tags"),
        ({"measurements": [{"name": "a", "value": 1, "tags": {str(i): "a" for i in range(51)}}]},
         "tags"),
    ],
)  # fmt: skip
def test_what_is_wrong_fails_a_tagged_post(content: Content, param: str) -> None:
    status, errors = error_of(tagged, content, NOW)
    assert (status, list(errors["params"])) == (400, [param])


def test_numbers_past_all_bounds_are_rejected() -> None:
    huge = from_json(b'{"gauges": [{"name": "a", "value": 1%s}]}' % (b"0" * 400))
    assert error_of(legacy, huge, NOW)[1] == {"params": {"value": ["is not a number"]}}
