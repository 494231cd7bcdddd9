"""Which time the parameters of a request ask for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zibrato.store.api.responses import ApiError
from zibrato.store.api.time_range import DAY, HOUR, TimeRange, time_range_of

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, TimeRange(NOW - HOUR, NOW + 1, 6)),
        ({"start_time": "100", "end_time": "700"}, TimeRange(100, 701, 1)),
        ({"start_time": "100", "end_time": "6100"}, TimeRange(100, 6101, 10)),
        ({"start_time": "100", "duration": "600"}, TimeRange(100, 701, 1)),
        ({"end_time": "1000", "duration": "600"}, TimeRange(400, 1001, 1)),
        ({"end_time": "100", "duration": "600"}, TimeRange(0, 101, 1)),
        ({"duration": "60", "resolution": "60"}, TimeRange(NOW - 60, NOW + 1, 60)),
        ({"start_time": str(NOW - 5)}, TimeRange(NOW - 5, NOW + 1, 1)),
        ({"count": "2", "resolution": "60"}, TimeRange(NOW - 2 * DAY, NOW + 1, 60, 2)),
        (
            {"count": "2", "start_time": "100", "end_time": "700"},
            TimeRange(100, 701, 1, 2, oldest=True),
        ),
        ({"count": "9", "resolution": "86400"}, TimeRange(NOW - 18 * DAY, NOW + 1, 86400, 9)),
    ],
)
def test_what_is_asked_for(params: dict[str, str], expected: TimeRange) -> None:
    assert time_range_of(params, NOW) == expected


def test_of_what_is_counted_the_first_or_the_last() -> None:
    entries = [1, 2, 3]
    assert TimeRange(0, 1, 1).limited(entries) == entries
    assert TimeRange(0, 1, 1, 2).limited(entries) == [2, 3]
    assert TimeRange(0, 1, 1, 2, oldest=True).limited(entries) == [1, 2]
    assert TimeRange(0, 1, 1, 9, oldest=True).limited(entries) == entries


def test_the_default_is_given() -> None:
    assert time_range_of({}, NOW, DAY).start == NOW - DAY


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"start_time": "1", "end_time": "2", "duration": "1"}, "exclude one another"),
        ({"duration": "0"}, "'duration': ['is not above 0']"),
        ({"count": "-1"}, "'count'"),
        ({"resolution": "0.5"}, "'resolution'"),
        ({"start_time": "9", "end_time": "8"}, "is after end_time"),
        ({"start_time": "x"}, "is not a number"),
        ({"start_time": "-1e308"}, "'start_time': ['is not from 0 to 8000000000 seconds"),
        ({"end_time": "1e300"}, "'end_time'"),
        ({"duration": "1e300"}, "'duration'"),
        ({"duration": "60", "resolution": "1e300"}, "'resolution'"),
        ({"count": "1e300"}, "'count'"),
        ({"start_time": "0", "resolution": "1"}, "try a different resolution"),
    ],
)
def test_what_can_not_be_asked_for(params: dict[str, str], message: str) -> None:
    with pytest.raises(ApiError) as caught:
        time_range_of(params, NOW)
    assert caught.value.status == 400
    assert message in str(caught.value.errors)


numbers = st.integers(0, 2**33).map(str)
names = st.sampled_from(["start_time", "end_time", "duration", "count", "resolution"])


@given(st.dictionaries(names, numbers))
def test_a_time_range_is_never_empty_or_endless(params: dict[str, str]) -> None:
    try:
        time_range = time_range_of(params, NOW)
    except ApiError as error:
        assert error.status == 400  # noqa: PT017 - either is right
        return
    assert 0 <= time_range.start < time_range.end
    assert (time_range.end - time_range.start) / time_range.step <= 480_001
