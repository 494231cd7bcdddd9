"""Posts as clients send them, and what is wrong with others."""

from __future__ import annotations

from math import isnan
from typing import Any

import pytest
from msgspec.structs import astuple, replace

from zibrato.model import Summary
from zibrato.store.api.requests import (
    Content,
    from_json,
)
from zibrato.store.api.responses import ApiError
from zibrato.store.api.submissions import legacy, tagged
from zibrato.store.db.submissions import Submission

NOW = 1_700_000_000.5


def error_of(call: Any, *arguments: Any) -> tuple[int, Any]:
    with pytest.raises(ApiError) as caught:
        call(*arguments)
    return caught.value.status, caught.value.errors


def test_a_gauge_with_a_value_is_one_reading_now() -> None:
    (submission,) = legacy({"gauges": [{"name": "a", "value": 2}]}, NOW)
    assert submission == Submission(
        "gauge", "a", "", (), 1_700_000_000, Summary(1, 2.0, 2.0, 2.0, 4.0, 2.0), {}
    )


def test_source_and_time_are_inherited_and_overruled() -> None:
    content = {
        "source": "top", "measure_time": 1_699_999_990,
        "gauges": [{"name": "a", "value": 1}, {"name": "b", "value": 1, "source": "own"}],
        "counters": [{"name": "c", "value": 1, "measure_time": 1_699_999_980}],
    }  # fmt: skip
    submissions = [(one.type, one.name, one.source, one.when) for one in legacy(content, NOW)]
    assert submissions == [
        ("gauge", "a", "top", 1_699_999_990),
        ("gauge", "b", "own", 1_699_999_990),
        ("counter", "c", "top", 1_699_999_980),
    ]


def test_sums_come_with_what_is_known_of_them() -> None:
    gauge = {"name": "a", "count": 4, "sum": 8, "min": 1, "max": 3, "sum_squares": 20, "last": 3}
    (submission,) = legacy({"gauges": [gauge]}, NOW)
    assert submission.summary == Summary(4, 8.0, 1.0, 3.0, 20.0, 3.0)
    (submission,) = legacy({"gauges": [{"name": "a", "count": 1, "sum": 3}]}, NOW)
    assert submission.summary == Summary(1, 3.0, 3.0, 3.0, 9.0, 3.0)


def test_squares_and_a_last_value_are_not_invented() -> None:
    (submission,) = legacy({"gauges": [{"name": "a", "count": 4, "sum": 8}]}, NOW)
    assert astuple(submission.summary)[:4] == (4, 8.0, 2.0, 2.0)
    assert isnan(submission.summary.sum_squares)
    assert isnan(submission.summary.last)


SAMPLES = (1.0, 2.0, 6.0)  # of a mean of 3; the squares of the differences add up to 14


@pytest.mark.parametrize(
    "param", [{"stddev": (14 / 3) ** 0.5}, {"stddev_m2": 14}, {"sum_squares": 41, "stddev_m2": 1}]
)
@pytest.mark.parametrize(("read", "top"), [(legacy, "gauges"), (tagged, "measurements")])
def test_squares_follow_from_a_standard_deviation(read: Any, top: str, param: Content) -> None:
    content = {"name": "a", "count": 3, "sum": 9, "min": 1, "max": 6, "last": 6, **param}
    (submission,) = read({top: [content]}, NOW)
    assert submission.summary.sum_squares == pytest.approx(sum(sample**2 for sample in SAMPLES))
    assert replace(submission.summary, sum_squares=0.0) == Summary(3, 9.0, 1.0, 6.0, 0.0, 6.0)


def test_objects_stand_for_arrays() -> None:
    by_name = {"gauges": {"a": {"value": 1}, "b": {"value": 2}}}
    assert [submission.name for submission in legacy(by_name, NOW)] == ["a", "b"]
    by_position = {"gauges": {"0": {"name": "a", "value": "1"}, "1": {"name": "b", "value": "2e1"}}}
    assert [submission.summary.sum for submission in legacy(by_position, NOW)] == [1, 20]


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
        ({"gauges": [{"name": "a", "count": 2, "sum": 1, "stddev": 1, "stddev_m2": 1}]},
         {"params": {"stddev": ["excludes stddev_m2"]}}),
        ({"gauges": [{"name": "a", "value": 1, "measure_time": "now"}]},
         {"params": {"measure_time": ["is not a number"]}}),
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


@pytest.mark.parametrize(
    ("content", "param"),
    [
        ({"gauges": [{"name": "a", "value": 1}], "tags": {"host": "a"}}, "tags"),
        ({"gauges": [{"name": "a", "value": 1, "tags": {"host": "a"}}]}, "tags"),
        ({"gauges": [{"name": "a", "value": 1, "time": NOW}]}, "time"),
        ({"counters": [{"name": "a", "value": 1, "color": "red"}]}, "color"),
    ],
)
def test_what_is_not_supported_is_named_and_not_ignored(content: Content, param: str) -> None:
    errors = {"params": {param: ["is not a known parameter"]}}
    assert error_of(legacy, content, NOW) == (400, errors)


def test_what_clients_of_librato_send_is_taken() -> None:
    top = {"source": "s", "measure_time": NOW, "period": 60}
    gauge = {  # statsd-librato-backend's timers and go-metrics' gauges have these
        "name": "a", "count": 2, "sum": 3, "min": 1, "max": 2, "stddev_m2": 0.5, "source": None,
        "attributes": {"color": "red"}, "display_name": "A", "description": "an a",
    }  # fmt: skip
    counter = {"name": "c", "value": 1, "source": "t", "measure_time": NOW, "period": 10}
    submissions = legacy({"gauges": [gauge], "counters": [counter], **top}, NOW)
    assert [(one.source, one.about["period"]) for one in submissions] == [("s", 60), ("t", 10)]


def test_a_time_that_is_a_float_is_that_second() -> None:
    (submission,) = legacy({"gauges": [{"name": "a", "value": 1, "measure_time": NOW - 10}]}, NOW)
    assert submission.when == 1_699_999_990
    content = {"measurements": [{"name": "a", "value": 1}], "time": NOW - 20}
    assert tagged(content, NOW)[0].when == 1_699_999_980


def test_a_tagged_measurement_may_describe_its_metric() -> None:
    about = {"display_name": "A", "description": "an a", "attributes": {"color": "#f00"}}
    content = {"measurements": [{"name": "a", "value": 1, **about}], "period": 60}
    assert tagged(content, NOW)[0].about == {**about, "period": 60}


def test_a_tag_may_be_a_number_and_null_is_none() -> None:
    tags = {"port": 8080, "ratio": 0.5, "host": None}
    (submission,) = tagged({"measurements": [{"name": "a", "value": 1, "tags": tags}]}, NOW)
    assert submission.tags == (("port", "8080"), ("ratio", "0.5"))


def test_tags_are_lower_case_and_replace_those_on_top() -> None:
    content = {
        "tags": {"Region": "US"}, "time": 1_699_999_990,
        "measurements": [
            {"name": "a", "value": 1},
            {"name": "a", "value": 1, "tags": {"host": "Web 1", "source": "s"}},
        ],
    }  # fmt: skip
    submissions = [(one.tags, one.source, one.when) for one in tagged(content, NOW)]
    assert submissions == [
        ((("region", "us"),), "", 1_699_999_990),
        ((("host", "web 1"), ("source", "s")), "", 1_699_999_990),
    ]


@pytest.mark.parametrize(
    ("content", "param"),
    [
        ({"measurements": [{"name": "a", "value": 1, "nix": 1}]}, "nix"),
        ({"measurements": [{"name": "a", "value": 1, "source": "s"}]}, "source"),
        ({"measurements": [{"name": "a", "value": 1}], "source": "s"}, "source"),
        ({"measurements": []}, "measurements"),
        ({"measurements": [{"name": "a", "value": 1, "tags": {"a b": "c"}}]}, "tags"),
        ({"measurements": [{"name": "a", "value": 1, "tags": {"a": ""}}]}, "tags"),
        ({"measurements": [{"name": "a", "value": 1, "tags": {"a": True}}]}, "tags"),
        ({"measurements": [{"name": "a", "value": 1, "tags": {"a": ["b"]}}]}, "tags"),
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
