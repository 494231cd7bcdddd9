"""Composite queries: what is understood, and what is rejected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zibrato.store.api.composite_functions import FUNCTIONS
from zibrato.store.api.composite_query import MAX_DEPTH, MAX_LENGTH, parse
from zibrato.store.api.composite_series import CompositeSeries
from zibrato.store.api.composite_tree import (
    MAX_SELECTIONS,
    Call,
    Grouped,
    Mapped,
    Node,
    Selection,
    Shifted,
    evaluate,
    expanded,
    selections,
)

A = Selection("a", "*")
INPUT = [CompositeSeries("a", (), 10, {0: 1.0, 10: 4.0, 20: 2.0}, range(0, 30, 10))]
ONE = 's("b", "*")'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('s("a", "*")', A),
        ("  series ( 'a','*' ) ", A),
        ('s("a.*", "web*", {period: "60"})', Selection("a.*", "web*", period=60)),
        ('s("a", "*", {period: 60, function: "max"})', Selection("a", "*", (), "max", 60)),
        ('s("a", "*", {group: "false"})', Selection("a", "*", grouped=False)),
        ('s("a", {})', Selection("a")),
        ('s("a", {"Host": "x*", b: y})', Selection("a", tags=(("b", "y"), ("host", "x*")))),
        (
            "s('a', {'@host': '*'}, {period: '60'})",
            Selection("a", None, (("@host", "*"),), None, 60),
        ),
    ],
)
def test_a_selection(text: str, expected: Node) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('map({source: "w*"}, s("a", "&"))', Mapped("source", "w*", Selection("a", "&"))),
        ('map({"metric": "a.*"}, s("&", {}))', Mapped("metric", "a.*", Selection("&"))),
        ('group_by("Region, az", s("a", "*"))', Grouped(("region", "az"), A)),
        ('timeshift("0,1,2,3w", s("a", "*"))', Shifted((0, 604800, 1209600, 1814400), A)),
        ('timeshift("-7d", s("a", "*"))', Shifted((604800,), A)),
        ('timeshift("+90 s", s("a", "*"))', Shifted((-90,), A)),
        ('timeshift("0", [s("a", "*")])', Shifted((0,), Call(list, (A,)))),
    ],
)
def test_a_set_as_often_as_something_is_there(text: str, expected: Node) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "expected a function or [ at 1, got end"),
        ("[]", "got ]"),
        ("s(1)", "expected a metric in quotes at 3, got 1"),
        ('s("a")', "expected , at 6"),
        ('s("a", 5)', 'expected a source in quotes, or tags such as {host: "*"}, at 8, got 5'),
        ('s("a", {host: "%"})', "tag host '%' is not understood"),
        ('s("a", {host: "x", host: "y"})', "host is given twice"),
        ('s("a", "&")', "source '&': & stands alone, within map({source: PATTERN}, ...)"),
        ('s("a&b", "*")', "metric 'a&b': & stands alone"),
        ('map({source: "w"}, s("a", "w&"))', "source 'w&': & stands alone"),
        ('map({source: "w"}, s("a", "*"))', 'map: expected "&" as the source of an s() within'),
        ('map({host: "w"}, s("a", "&"))', "map: expected {source: PATTERN} or {metric: PATTERN}"),
        ('map({source: "w"}, map({source: "w"}, s("a", "&")))', "not inside another of its kind"),
        ('group_by("a,,b", s("a", "*"))', "group_by: expected names of tags with commas between"),
        ('group_by("a,A", s("a", "*"))', "group_by: expected names of tags"),
        ('timeshift("1", s("a", "*"))', "timeshift: expected numbers and one of s, m, h, d, w"),
        ('timeshift("1y", s("a", "*"))', "such as 0,1w, got '1y'"),
        ('timeshift("600w", s("a", "*"))', "timeshift: expected 10 years at most"),
        ('timeshift(s("a", "*"))', "expected what to timeshift in quotes"),
        ('s("a", "*", {group: "no"})', "group: expected one of true, false"),
        (f"sort({ONE})", "'sort' is not understood; the functions are s, series, map, group_by"),
        (f'window({ONE}, {{size: "65"}})', "size: expected a number from 1 to 64"),
        ('s("a", "%")', "'%'"),
        ('s("a", "*"', "expected ) at 11, got end"),
        ('s("a", "*") s("b", "*")', "expected the end at 13, got s"),
        ('s("a", "*", {function: "p95"})', "'p95' is none of mean, sum, min, max, count"),
        ('s("a", "*", {period: "0"})', "period: expected a number from 1"),
        ('s("a", "*", {tags: "1"})', "option 'tags' of series"),
        (f"sum({ONE}, {ONE})", "expected {"),
        (f'sum({ONE}, {{size: "2"}})', "option 'size' of sum"),
        (f'scale({ONE}, {{factor: "nan"}})', "factor: expected a number"),
        (f'rate({ONE}, {{duration: "0"}})', "duration: expected a number"),
        (f'derive({ONE}, {{detect_reset: "maybe"}})', "detect_reset: expected one of true, false"),
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
         "period", "function", '"max"', "map", "group_by", "timeshift", "source", '"&"', '"1w"',
         "value", "gt", "%", "é", "1e999", "-", '"')  # fmt: skip


@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS), max_size=40).map("".join)))
def test_whatever_is_asked_there_is_a_tree_or_a_value_error(text: str) -> None:
    try:
        node = parse(text)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either is right
        return
    tree = expanded(node, lambda _: {}, lambda: None)
    evaluate(tree, dict.fromkeys(selections(tree), INPUT), lambda: None)
