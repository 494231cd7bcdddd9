"""Composite queries: what is understood, and what is rejected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zibrato.store.api.composite_functions import FUNCTIONS, CompositeSeries
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

A = Selection("a", "*")
INPUT = [CompositeSeries("a", "x", 10, {0: 1.0, 10: 4.0, 20: 2.0})]
ONE = 's("b", "*")'


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
    evaluate(node, dict.fromkeys(selections(node), INPUT))
