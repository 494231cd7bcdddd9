"""What the functions of composite queries make of series."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zibrato.store.api.composite_functions import FUNCTIONS, CompositeSeries, points
from zibrato.store.api.composite_query import Selection, evaluate, parse

A, B = Selection("a", "*"), Selection("b", "*")
INPUTS = {
    A: [
        CompositeSeries("a", "x", 10, {0: 1.0, 10: 4.0, 20: 2.0}),
        CompositeSeries("a", "y", 10, {0: 3.0, 20: -8.0}),
    ],
    B: [CompositeSeries("b", "x", 60, {0: 2.0, 10: 0.0, 20: 4.0})],
}
ONE = 's("b", "*")'
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
        (f"integrate({ONE})", [{0: 2, 10: 2, 20: 6}]),
        ('top(s("a", "*"))', [{0: 1, 10: 4, 20: 2}]),
        ('bottom(s("a", "*"))', [{0: 3, 20: -8}]),
        (
            f'top({PAIR}, {{count: "5", function: "sum"}})',
            [{0: 2, 10: 0, 20: 4}, {0: 4, 10: 4, 20: -6}],
        ),
    ],
)  # fmt: skip
def test_what_functions_make_of_series(text: str, expected: list[dict[int, float]]) -> None:
    made = [dict(series.points) for series in evaluate(parse(text), INPUTS)]
    assert made == [pytest.approx(points) for points in expected]
    assert all(list(points) == sorted(points) for points in made)


def test_series_made_of_several_have_the_names_that_those_share() -> None:
    (series,) = evaluate(parse('sum(s("a", "*"))'), INPUTS)
    assert series[:3] == ("a", "*", 10)
    (series,) = evaluate(parse('sum([s("a", "*"), s("b", "*")])'), INPUTS)
    assert series[:3] == ("*", "*", 60)


def test_no_series_make_none() -> None:
    for name in FUNCTIONS:
        assert evaluate(parse(f"{name}({ONE})"), {B: []}) == []


calls = st.recursive(
    st.just(ONE) | st.just('s("a", "*")'),
    lambda inner: (
        st.tuples(st.sampled_from([*FUNCTIONS]), inner).map("{0[0]}({0[1]})".format)
        | st.lists(inner, min_size=1, max_size=3).map(lambda sets: f"[{', '.join(sets)}]")
    ),
    max_leaves=8,
)
floats = st.floats(allow_nan=False, allow_infinity=False)


@given(calls, st.dictionaries(st.integers(0, 99), floats))
def test_values_are_finite_and_in_order(text: str, values: dict[int, float]) -> None:
    one = CompositeSeries("a", "x", 10, dict(sorted(values.items())))
    try:
        node = parse(text)
    except ValueError as error:
        assert "nested" in str(error)  # noqa: PT017 - there is a tree but for that
        return
    for series in evaluate(node, {A: [one, one], B: [one]}):
        assert list(series.points) == sorted(series.points)
        assert all(abs(value) < float("inf") for value in series.points.values())


def test_the_value_of_a_measurement_is_that_of_the_function() -> None:
    gauge = {"measure_time": 5, "value": 2.0, "count": 2, "sum": 6.0, "min": 1.0, "max": 5.0}
    counter = {"measure_time": 6, "value": 9.0, "count": 0, "sum": 9.0}
    both = [gauge, counter]
    assert points(both, None) == {5: 2.0, 6: 9.0}
    assert points(both, "mean") == {5: 3.0}
    assert points(both, "max") == {5: 5.0}
    assert points(both, "count") == {5: 2, 6: 0}
