"""Which series the functions of composite queries choose."""

from __future__ import annotations

import pytest

from tests.store.api.composite_cases import made_of

A = 's("a", "*")'
BOTH = '[sum(s("a", "*")), s("b", "*")]'
"""Of values 4, 4, -6 and 2, 0, 4."""


def chosen(text: str) -> list[list[float]]:
    return [[*series.points.values()] for series in made_of(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"top({A})", [[1, 4, 2]]),
        (f"bottom({A})", [[3, -8]]),
        (f'top({BOTH}, {{count: "5", function: "sum"}})', [[2, 0, 4], [4, 4, -6]]),
        (f'filter({A}, {{gt: "0"}})', [[1, 4, 2]]),
        (f'filter({A}, {{lt: "0"}})', [[3, -8]]),
        (f'filter({A}, {{gte: "3", function: "max"}})', [[1, 4, 2], [3, -8]]),
        (f'filter({A}, {{gt: "3", function: "max"}})', [[1, 4, 2]]),
        (f'filter({A}, {{lte: "-5", function: "sum"}})', [[3, -8]]),
        (f'filter({A}, {{gt: "-9", lt: "0", function: "min"}})', [[3, -8]]),
        (f'filter({A}, {{gt: "9"}})', []),
    ],
)
def test_which_series_are_left(text: str, expected: list[list[float]]) -> None:
    assert chosen(text) == expected


def test_a_filter_without_a_bound_is_rejected() -> None:
    with pytest.raises(ValueError, match="filter: expected a bound, one of gt, gte, lt, lte"):
        made_of(f"filter({A})")
    with pytest.raises(ValueError, match="function: expected one of mean, sum, min, max, got 'p9'"):
        made_of(f'filter({A}, {{gt: "1", function: "p9"}})')


def test_a_series_without_points_has_no_rank() -> None:
    assert chosen(f'filter(moving_average({A}, {{size: "9"}}), {{gt: "-99"}})') == []
