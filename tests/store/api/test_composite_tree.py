"""What trees of composite queries come to, given the series that there are."""

from __future__ import annotations

import sqlite3

import pytest

from tests.store.api.composite_cases import INPUTS, A
from zibrato.model import GAUGE, Series
from zibrato.store.api.composite_query import parse
from zibrato.store.api.composite_tree import (
    MAX_EXPANDED,
    Node,
    Selection,
    evaluate,
    expanded,
    is_within,
    selections,
)
from zibrato.store.api.selection import of_term

SERIES = {
    1: Series(GAUGE, "cpu.0", "Web-1", (("az", "b"), ("region", "us-1"))),
    2: Series(GAUGE, "cpu.1", "web-2", (("az", "c"), ("region", "us-1"))),
    3: Series(GAUGE, "ram", "web-1", (("region", "eu"),)),
    4: Series(GAUGE, "ram", "", (("az", "b"), ("region", "US-1"))),
}


def find(term: Selection) -> dict[int, Series]:
    return dict(of_term(SERIES.items(), term))


def tree_of(text: str) -> Node:
    return expanded(parse(text), find, lambda: None)


def found(text: str) -> list[list[int]]:
    """Return the ids of the series of each term of an expanded query."""
    return [
        [series_id for series_id, one in find(term).items() if is_within(one, term.within)]
        for term in selections(tree_of(text))
    ]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ('map({source: "web*"}, s("cpu.*", "&"))', [[1], [2]]),
        ('map({source: "*"}, [s("cpu.*", "&"), s("ram", "&")])', [[1], [3], [2], []]),
        ('map({source: "w*"}, [s("cpu.*", "&"), s("cpu.*", "w*")])', [[1], [1, 2], [2], [1, 2]]),
        ('map({metric: "*"}, s("&", "*"))', [[1], [2], [3, 4]]),
        ('map({metric: "cpu*"}, map({source: "*"}, s("&", "&")))', [[1], [2]]),
        ('group_by("region", s("*", {}))', [[3], [1, 2, 4]]),
        ('group_by("region,az", s("*", "*"))', [[1, 4], [2]]),
        ('group_by("region", [s("cpu.*", "*"), s("ram", "*")])', [[], [3], [1, 2], [4]]),
        (
            'group_by("az", [s("cpu.*", "*"), s("ram", "*", {group: "false"})])',
            [[1], [3, 4], [2], [3, 4]],
        ),
        ('group_by("region", map({source: "*"}, s("cpu.*", "&")))', [[1], [2]]),
        ('map({source: "*"}, group_by("region", s("*", "&")))', [[3], [1], [2]]),
        ('group_by("nix", s("*", "*"))', []),
        ('map({source: "nix"}, s("*", "&"))', []),
    ],
)  # fmt: skip
def test_a_set_is_there_for_each_of_what_there_is(text: str, ids: list[list[int]]) -> None:
    assert found(text) == ids


def test_shifts_add_up() -> None:
    tree = tree_of('timeshift("0,1h", [s("a", "*"), timeshift("1m", s("b", "*"))])')
    assert [term.shift for term in selections(tree)] == [0, 60, 3600, 3660]


def test_what_was_grouped_has_the_tags_of_its_group() -> None:
    tree = tree_of('group_by("region", s("cpu.*", "*"))')
    (term,) = selections(tree)
    (series, _) = evaluate(tree, {term: INPUTS[A]}, lambda: None)
    assert series.tags == (("host", "x"), ("region", "us-1"))


def test_the_number_of_terms_that_it_comes_to_is_bounded() -> None:
    sets = ",".join(['s("a", "*")'] * 50)
    shifts = ",".join(["1"] * (MAX_EXPANDED // 50 + 1))
    with pytest.raises(ValueError, match="expands to more than 1000 calls of series"):
        tree_of(f'timeshift("{shifts}h", [{sets}])')


@pytest.mark.attack(
    "a composite query of repeats within repeats, of which nothing matches",
    before="made millions of empty sets of 3,000 characters, and took all memory",
)
def test_repeats_are_counted_that_come_to_no_term() -> None:
    shifts = ",".join(["1"] * 400)
    inner = f'timeshift("{shifts}h", group_by("nix", s("*", "*")))'
    with pytest.raises(ValueError, match=r"expands to more than 1000 calls of .* timeshift\(\)"):
        tree_of(f'timeshift("{shifts}h", {inner})')


def test_an_end_of_the_query_is_noticed_as_it_is_expanded() -> None:
    looks = iter(range(3))

    def end() -> None:
        if next(looks) == 2:
            raise sqlite3.OperationalError("ended")

    with pytest.raises(sqlite3.OperationalError):
        expanded(parse('timeshift("1,2h", group_by("az", s("*", "*")))'), find, end)


def test_an_end_of_the_query_is_noticed() -> None:
    def end() -> None:
        raise sqlite3.OperationalError("ended")

    with pytest.raises(sqlite3.OperationalError):
        evaluate(A, INPUTS, end)
