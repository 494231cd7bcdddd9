"""What makes one value of a summary, and one of those of several streams."""

from __future__ import annotations

from math import isnan, nan

import pytest

from zibrato.model import COUNTER, GAUGE, Summary
from zibrato.store.api.responses import ApiError
from zibrato.store.api.time_series import deviation, group_function, summary_function
from zibrato.store.db.metadata import Metric

METRIC = Metric("m")


def rolled_up(function: str) -> Metric:
    return Metric("m", attributes={"summarize_function": function})


@pytest.mark.parametrize(
    ("metric", "kind", "name", "expected"),
    [
        (METRIC, GAUGE, None, 3.0),
        (METRIC, COUNTER, None, 6.0),
        (rolled_up("sum"), GAUGE, None, 6.0),
        (rolled_up("max"), GAUGE, None, 5.0),
        (rolled_up("nonsense"), GAUGE, None, 3.0),
        (Metric("m", "counter"), GAUGE, None, 5.0),
        (rolled_up("sum"), COUNTER, "mean", 3.0),
        (METRIC, GAUGE, "count", 2.0),
        (METRIC, GAUGE, "min", 1.0),
        (METRIC, GAUGE, "max", 5.0),
        (METRIC, GAUGE, "last", 5.0),
        (METRIC, GAUGE, "sum", 6.0),
        (METRIC, GAUGE, "stddev", 2.0),
    ],
)
def test_the_value_of_a_summary(
    metric: Metric, kind: str, name: str | None, expected: float
) -> None:
    summary = Summary(2, 6.0, 1.0, 5.0, 26.0, 5.0)
    assert summary_function(name, metric, kind)(summary) == expected


def test_the_mean_of_nothing_is_0() -> None:
    assert summary_function("mean", METRIC, GAUGE)(Summary(0, 0.0)) == 0.0


def test_a_deviation_is_not_known_without_squares_and_never_below_0() -> None:
    assert isnan(deviation(Summary(2, 6.0, 1.0, 5.0, nan, 5.0)))
    assert isnan(deviation(Summary(0, 0.0)))
    assert deviation(Summary(3, 0.3, 0.1, 0.1, 0.03 - 1e-17, 0.1)) == pytest.approx(0, abs=1e-8)


def test_functions_that_are_not_there_are_named() -> None:
    for call, param in (
        (lambda: summary_function("p95", METRIC, GAUGE), "summary_function"),
        (lambda: group_function("group_by_function", "p95"), "group_by_function"),
    ):
        with pytest.raises(ApiError) as caught:
            call()
        assert param in str(caught.value.errors)


def test_the_value_of_several_streams() -> None:
    made = {
        name: group_function("group_by", name)([1.0, 2.0, 6.0])
        for name in ("average", "mean", "sum", "min", "max", "count")
    }
    assert made == {"average": 3, "mean": 3, "sum": 9, "min": 1, "max": 6, "count": 3}
