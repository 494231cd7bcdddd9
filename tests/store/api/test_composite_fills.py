"""What composite queries put where nothing was measured."""

from __future__ import annotations

import pytest

from tests.store.api.composite_cases import INPUTS, A, B, made_of
from zibrato.store.api.composite_fills import MAX_POINTS

SET = 's("a", "*")'


@pytest.mark.parametrize(
    ("text", "second"),
    [
        (f"zero_fill({SET})", {0: 3, 10: 0, 20: -8, 30: 0, 40: 0}),
        (f"last_fill({SET})", {0: 3, 10: 3, 20: -8, 30: -8, 40: -8}),
        (f'fill({SET}, {{value: "1.5"}})', {0: 3, 10: 1.5, 20: -8, 30: 1.5, 40: 1.5}),
        (f'fill({SET}, {{value: "last"}})', {0: 3, 10: 3, 20: -8, 30: -8, 40: -8}),
    ],
)
def test_every_period_has_a_point(text: str, second: dict[int, float]) -> None:
    points = made_of(text)[1].points
    assert dict(points) == second
    assert list(points) == sorted(points)


def test_a_point_anywhere_in_its_period_is_one() -> None:
    series = INPUTS[A][0]._replace(points={7: 1.0, 33: 2.0}, span=range(0, 50, 10))
    filled = made_of(f"zero_fill({SET})", {A: [series]})[0].points
    assert dict(filled) == {7: 1, 10: 0, 20: 0, 33: 2, 40: 0}


def test_before_the_first_point_there_is_no_last_one() -> None:
    series = INPUTS[A][0]._replace(points={25: 1.0})
    assert dict(made_of(f"last_fill({SET})", {A: [series]})[0].points) == {25: 1, 30: 1, 40: 1}


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match="fill: the period of 'b' is not known; give the metric"):
        made_of('zero_fill(s("b", "*"))', {B: INPUTS[B]})
    with pytest.raises(ValueError, match="fill: expected a value, a number or last"):
        made_of(f"fill({SET})")
    with pytest.raises(ValueError, match="value: expected a number from"):
        made_of(f'fill({SET}, {{value: "first"}})')


def test_no_more_points_are_made_than_the_bound() -> None:
    series = INPUTS[A][0]._replace(span=range(MAX_POINTS // 2 + 1))
    with pytest.raises(ValueError, match="fill would make more than 1000000 points; ask for"):
        made_of(f"zero_fill({SET})", {A: [series, series]})
