"""What the functions of composite queries make of series."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.api.composite_cases import INPUTS, A, B, made_of
from zibrato.store.api.composite_functions import FUNCTIONS
from zibrato.store.api.composite_query import parse
from zibrato.store.api.composite_series import CompositeSeries

ONE = 's("b", "*")'
OPTIONS = {"fill": ', {value: "1"}', "filter": ', {gte: "0"}'}
"""What a function asks for."""
PAIR = '[sum(s("a", "*")), s("b", "*")]'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('s("a", "*")', [{0: 1, 10: 4, 20: 2}, {0: 3, 20: -8}]),
        ('[s("a", "*"), s("b", "*")]', [*(one.points for one in INPUTS[A]), INPUTS[B][0].points]),
        ('sum(s("a", "*"))', [{0: 4, 10: 4, 20: -6}]),
        ('mean(s("a", "*"))', [{0: 2, 10: 4, 20: -3}]),
        ('min(s("a", "*"))', [{0: 1, 10: 4, 20: -8}]),
        ('max([[s("a", "*")], s("b", "*")])', [{0: 3, 10: 4, 20: 4}]),
        ('multiply(s("a", "*"))', [{0: 3, 20: -16}]),
        (f"divide({PAIR})", [{0: 2, 20: -1.5}]),
        (f"subtract({PAIR})", [{0: 2, 10: 4, 20: -10}]),
        (f"divide({ONE})", []),
        ('subtract([s("a", "*"), s("b", "*")])', []),
        (f'scale({ONE}, {{factor: "2.5"}})', [{0: 5, 10: 0, 20: 10}]),
        (f"scale({ONE}, {{factor: -1}})", [{0: -2, 10: 0, 20: -4}]),
        (f"rate({ONE})", [{0: 2 / 60, 10: 0, 20: 4 / 60}]),
        (f'rate({ONE}, {{duration: "60"}})', [{0: 2, 10: 0, 20: 4}]),
        (f"derive({ONE})", [{10: -2, 20: 4}]),
        (f'derive({ONE}, {{detect_reset: "true"}})', [{20: 4}]),
        ('abs(s("a", "*"))', [{0: 1, 10: 4, 20: 2}, {0: 3, 20: 8}]),
        (f'moving_average({ONE}, {{size: "2"}})', [{10: 1, 20: 2}]),
        (f'moving_average({ONE}, {{size: "4"}})', [{}]),
        ('window(s("a", "*"), {size: "2"})', [{10: 2.5, 20: 3}, {20: -2.5}]),
        (f'window({ONE}, {{size: "3", function: "median"}})', [{20: 2}]),
        (f'window({ONE}, {{size: "2", function: "max"}})', [{10: 2, 20: 4}]),
        (f'window({ONE}, {{size: "2", function: "min"}})', [{10: 0, 20: 0}]),
        (f'window({ONE}, {{size: "2", function: "sum"}})', [{10: 2, 20: 4}]),
        (f"window({ONE})", [{0: 2, 10: 0, 20: 4}]),
        (f"integrate({ONE})", [{0: 2, 10: 2, 20: 6}]),
    ],
)  # fmt: skip
def test_what_functions_make_of_series(text: str, expected: list[dict[int, float]]) -> None:
    made = [dict(series.points) for series in made_of(text)]
    assert made == [pytest.approx(points) for points in expected]
    assert all(list(points) == sorted(points) for points in made)


def test_series_made_of_several_have_the_names_that_those_share() -> None:
    (series,) = made_of('sum(s("a", "*"))')
    assert series[:3] == ("a", (("region", "eu"),), 10)
    (series,) = made_of('sum([s("a", "*"), s("b", "*")])')
    assert series[:3] == ("*", (("region", "eu"),), 60)


def test_no_series_make_none() -> None:
    for name in FUNCTIONS:
        assert made_of(f"{name}({ONE}{OPTIONS.get(name, '')})", {B: []}) == []


calls = st.recursive(
    st.just(ONE) | st.just('s("a", "*")'),
    lambda inner: (
        st.tuples(st.sampled_from([*FUNCTIONS]), inner).map(
            lambda call: f"{call[0]}({call[1]}{OPTIONS.get(call[0], '')})"
        )
        | st.lists(inner, min_size=1, max_size=3).map(lambda sets: f"[{', '.join(sets)}]")
    ),
    max_leaves=8,
)
floats = st.floats(allow_nan=False, allow_infinity=False)


@given(calls, st.dictionaries(st.integers(0, 99), floats))
def test_values_are_finite_and_in_order(text: str, values: dict[int, float]) -> None:
    one = CompositeSeries("a", (), 10, dict(sorted(values.items())), range(0, 100, 10))
    try:
        parse(text)
    except ValueError as error:
        assert "nested" in str(error)  # noqa: PT017 - there is a tree but for that
        return
    for series in made_of(text, {A: [one, one], B: [one]}):
        assert list(series.points) == sorted(series.points)
        assert all(abs(value) < float("inf") for value in series.points.values())
