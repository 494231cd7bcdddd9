"""Searches over tags: what they find, and what is not understood."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zibrato.store.api.tag_search import MAX_DEPTH, MAX_LENGTH, matches, parse

# Those of Librato's documents, by the numbers that they have there.
STREAMS = {
    1: {"region": "us-east", "host": "db-1-prod"},
    2: {"region": "us-east", "host": "db-2-prod"},
    3: {"region": "us-west", "host": "db-3-prod"},
    4: {"region": "us-west", "host": "db-stg"},
    5: {"region": "us-east", "name": "bubbles"},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("region=us-east", [1, 2, 5]),
        ("REGION=US-*", [1, 2, 3, 4, 5]),
        ("region=us-east and host=db-1*", [1]),
        ("region=us-east and host=db-1* or region=us-west", [1, 3, 4]),
        ("region=us-east and (host=db-1* or region=us-west)", [1]),
        ("(host=db-1* OR host=db-3*) AND region=us-west", [3]),
        ("region=!us-east", [3, 4]),
        ("host=!db*prod", [4]),
        ("!host", [5]),
        ("!name", [1, 2, 3, 4]),
        ("!host OR host=!db*prod", [4, 5]),
        ("host!=db*prod", [4, 5]),
        ("not host=db*prod", [4, 5]),
        ("not (region=us-east or host=db-stg)", [3]),
        ("not not !host", [5]),
        ("not region!=us-east", [1, 2, 5]),
        ("host=*", [1, 2, 3, 4]),
        ('  name = "bubbles" ', [5]),
        ("region='us-west'and host=db-stg", [4]),
    ],
)
def test_what_a_search_finds(text: str, expected: list[int]) -> None:
    matches = parse(text)
    assert [number for number, tags in STREAMS.items() if matches(tags)] == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "NAME=VALUE is missing"),
        ("host", "'host' is not understood"),
        ("host=a and", "NAME=VALUE is missing"),
        ("host=a or or host=b", "NAME=VALUE is missing"),
        ("(host=a", "a ) is missing"),
        ("host=a)", "')' is not understood"),
        ("host=a host=b", "'host=b' is not understood"),
        ("host=a & host=b", "'& host=b' is not understood"),
        ("host=a and ((b", "'b' is not understood"),
        ("(" * (MAX_DEPTH + 2), "nested more than 16"),
        ("a" * (MAX_LENGTH + 1), "longer than 4096"),
    ],
)
def test_what_is_not_understood_is_named(text: str, complaint: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its text is looked at
        parse(text)
    assert complaint in str(caught.value)


WORDS = ("a=b", "!a", "a", "and", "or", "not", "(", ")", "=", "!", "*", '"', " ", "é")


@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join)))
def test_whatever_is_asked_there_is_an_answer_or_a_value_error(text: str) -> None:
    try:
        matches = parse(text)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either is right
        return
    assert matches({"a": "b"}) in {True, False}


@given(st.text("ab*"), st.text("ab"))
def test_a_pattern_matches_as_a_shell_s_does(pattern: str, value: str) -> None:
    assert matches(pattern, value) == fnmatchcase(value, pattern)


def test_a_long_pattern_takes_no_long_time() -> None:
    assert not matches("*a" * 2000 + "b", "a" * 5000)
