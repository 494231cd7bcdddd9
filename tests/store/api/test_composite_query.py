"""Composite queries: what is understood, what it makes of lines, and what is refused."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.cases import START
from tests.store.web.test_service import WebTestCase
from zibrato.store.api.composite_functions import FUNCTIONS, CompositeSeries, points
from zibrato.store.api.composite_query import (
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_SELECTIONS,
    Node,
    Selection,
    evaluate,
    parse,
    selections,
)

A, B = Selection("a", "*"), Selection("b", "*")
LINES = {
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
        ('s("a", "*")', A),
        ("  series ( 'a','*' ) ", A),
        ('s("a.*", "web*", {period: "60"})', Selection("a.*", "web*", None, 60)),
        ('s("a", "*", {period: 60, function: "max"})', Selection("a", "*", "max", 60)),
    ],
)
def test_a_selection(text: str, expected: Node) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('s("a", "*")', [{0: 1, 10: 4, 20: 2}, {0: 3, 20: -8}]),
        ('[s("a", "*"), s("b", "*")]', [*(line.points for line in LINES[A]), LINES[B][0].points]),
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
    ],
)
def test_what_functions_make_of_lines(text: str, expected: list[dict[int, float]]) -> None:
    found = [dict(line.points) for line in evaluate(parse(text), LINES)]
    assert found == [pytest.approx(each) for each in expected]
    assert all(list(each) == sorted(each) for each in found)


def test_a_line_of_several_has_the_names_that_they_share() -> None:
    (line,) = evaluate(parse('sum(s("a", "*"))'), LINES)
    assert line[:3] == ("a", "*", 10)
    (line,) = evaluate(parse('sum([s("a", "*"), s("b", "*")])'), LINES)
    assert line[:3] == ("*", "*", 60)


def test_no_lines_make_none() -> None:
    for name in FUNCTIONS:
        assert evaluate(parse(f"{name}({ONE})"), {B: []}) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "expected a function or [ at 1, got end"),
        ("[]", "got ]"),
        ("s(1)", "expected a metric in quotes at 3, got 1"),
        ('s("a")', "expected , at 6"),
        ('s("a", {"host": "*"})', "expected a source in quotes"),
        ('s("a", "%")', "'%'"),
        ('s("a", "*"', "expected ) at 11, got end"),
        ('s("a", "*") s("b", "*")', "expected the end at 13, got s"),
        ('s("a", "*", {function: "p95"})', "'p95' is none of mean, sum, min, max, count"),
        ('s("a", "*", {period: "0"})', "period: expected a number from 1"),
        ('s("a", "*", {tags: "1"})', "option 'tags' of series"),
        (f"timeshift({ONE})", "'timeshift' is not understood; the functions are s, series, sum"),
        (f"sum({ONE}, {ONE})", "expected {"),
        (f'sum({ONE}, {{size: "2"}})', "option 'size' of sum"),
        (f'scale({ONE}, {{factor: "nan"}})', "factor: expected a number"),
        (f'rate({ONE}, {{duration: "0"}})', "duration: expected a number"),
        (f'derive({ONE}, {{detect_reset: "maybe"}})', "detect_reset: expected true or false"),
        (f'moving_average({ONE}, {{size: "65"}})', "size: expected a number from 1 to 64"),
        ('s("a, "*")', "'*\")' at 8 is not understood"),
        ("s(" + "1" * MAX_LENGTH, "longer than 4096"),
        ("sum(" * (MAX_DEPTH + 2), "nested more than 16"),
        ("[" * MAX_LENGTH, "nested more than 16"),
        (f"[{','.join([ONE] * (MAX_SELECTIONS + 1))}]", "more than 100"),
    ],
)
def test_what_is_not_understood_is_named(text: str, complaint: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its text is looked at
        parse(text)
    assert complaint in str(caught.value)


WORDS = ("s", "series", *FUNCTIONS, '"a"', '"*"', "'b'", *"[](){},:", " ", "factor", "size", "60",
         "period", "function", '"max"', "%", "é", "1e999", "-", '"')  # fmt: skip


@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS), max_size=40).map("".join)))
def test_whatever_is_asked_there_is_a_tree_or_a_value_error(text: str) -> None:
    try:
        node = parse(text)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either is right
        return
    evaluate(node, dict.fromkeys(selections(node), LINES[A]))


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
    line = CompositeSeries("a", "x", 10, dict(sorted(values.items())))
    try:
        node = parse(text)
    except ValueError as error:
        assert "nested" in str(error)  # noqa: PT017 - there is a tree but for that
        return
    for found in evaluate(node, {A: [line, line], B: [line]}):
        assert list(found.points) == sorted(found.points)
        assert all(abs(value) < float("inf") for value in found.points.values())


def test_the_value_of_a_measurement_is_that_of_the_function() -> None:
    gauge = {"measure_time": 5, "value": 2.0, "count": 2, "sum": 6.0, "min": 1.0, "max": 5.0}
    counter = {"measure_time": 6, "value": 9.0, "count": 0, "sum": 9.0}
    both = [gauge, counter]
    assert points(both, None) == {5: 2.0, 6: 9.0}
    assert points(both, "mean") == {5: 3.0}
    assert points(both, "max") == {5: 5.0}
    assert points(both, "count") == {5: 2, 6: 0}


class CompositeTests(WebTestCase):
    def compose(self, text: str, more: str = "&resolution=1") -> tuple[int, dict[str, object]]:
        start = START - 600
        return self.ask("GET", f"/v1/metrics?compose={quote(text)}&start_time={start}{more}")

    def test_metrics_and_sources_in_any_case_by_period_and_function(self) -> None:
        start = START // 60 * 60 - 60
        for second, value in ((0, 1), (10, 2), (60, 4)):
            self.post(name="Cpu.0", value=value, source="Web", measure_time=start + second)
        self.post(name="cpu.1", value=7, measure_time=start)
        status, content = self.compose('s("cpu.*", "*", {function: "sum", period: "60"})')
        self.assertEqual((status, content["resolution"]), (200, 1))
        found = content["measurements"]
        assert isinstance(found, list)
        names = [(each["metric"]["name"], each["source"]["name"]) for each in found]
        self.assertEqual(names, [("Cpu.0", "Web"), ("cpu.1", "unassigned")])
        series = [
            {"measure_time": start, "value": 3.0}, {"measure_time": start + 60, "value": 4.0},
        ]  # fmt: skip
        self.assertEqual((found[0]["series"], found[0]["period"]), (series, 60))
        self.assertEqual(self.compose('s("cpu.1", "web")')[1]["measurements"], [])

    def test_the_resolution_is_that_of_the_file(self) -> None:
        query = f"/v1/metrics?compose={quote(ONE)}&resolution=1&start_time={START - 5 * 86400}"
        self.assertEqual(self.get(query + f"&end_time={START - 5 * 86400 + 9}")["resolution"], 60)

    def test_too_many_series_are_refused(self) -> None:
        gauges = [{"name": f"m.{number}", "value": 1} for number in range(501)]
        self.assertEqual(self.ask("POST", "/v1/metrics", {"gauges": gauges})[0], 200)
        status, content = self.compose('sum(s("m.*", "*"))')
        self.assertEqual(status, 200, content)
        for text, complaint in (
            ('sum([s("m.*", "*"), s("m.*", "*")])', "more than 1000 series"),
            ('median(s("m.*", "*"))', "'median' is not understood"),
        ):
            status, content = self.compose(text)
            self.assertEqual(status, 400)
            self.assertIn(complaint, str(content["errors"]))
