"""Arguments: read and checked once, whatever they are."""

from __future__ import annotations

import enum
from typing import Any

import pytest

from zibrato.client import arguments
from zibrato.client.arguments import MISSING, ONE, Arguments, Request, are_plain, shown
from zibrato.model import COUNTER


def of_call(name: Any = "n", **options: Any) -> Arguments:
    return Arguments.of_call((name, None), COUNTER, (), options)


class Word(str):
    """Text that says it is other text."""

    __slots__ = ()

    def __str__(self) -> str:
        return "other"


class Number(enum.IntEnum):
    FOUR = 4


class Unprintable:
    def __repr__(self) -> str:
        raise LookupError


def test_what_is_not_given_has_its_default() -> None:
    assert of_call().checked() == Request(COUNTER, "n", None, (), "info", MISSING)


def test_what_is_given_comes_out_as_python_has_it() -> None:
    request = of_call(Word("n"), value=Number.FOUR, tags={"b": 2, "a": Word("v")}).checked()
    assert request[1:4] == ("other", None, (("a", "other"), ("b", "2")))
    assert [type(part) for part in (request.name, request.value)] == [str, int]
    assert arguments.number(True) == 1


@pytest.mark.parametrize("given", [10**400, -(10**400), float("inf"), float("nan")])
def test_a_number_is_finite(given: float) -> None:
    with pytest.raises(ValueError, match="value: expected a finite number, got "):
        arguments.number(given)


@pytest.mark.parametrize("given", [[1], "tags", 5, {1}, ("a", "b"), object()])
def test_tags_are_a_mapping(given: object) -> None:
    with pytest.raises(TypeError, match="tags: expected a mapping of text to text, got "):
        arguments.tags(given)


FIFTY = {str(number): "a" for number in range(50)}


@pytest.mark.parametrize(
    "given", [{"": "a"}, {"a": ""}, {"x" * 256: "a"}, {"a": "x" * 256}, {**FIFTY, "50": "a"}]
)
def test_tags_are_such_as_a_daemon_takes(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"^tags: expected .*, got .*"):
        arguments.tags(given)
    assert arguments.tags({"x" * 255: "x" * 255}) == (("x" * 255, "x" * 255),)
    assert len(arguments.tags(FIFTY)) == 50


def test_a_source_is_such_as_a_daemon_takes() -> None:
    with pytest.raises(ValueError, match=r"^source: expected at most 255 characters, got 'xxx"):
        arguments.source("x" * 256)
    assert arguments.source("x" * 255) == "x" * 255


def test_mistakes_of_the_call_are_named() -> None:
    wrong = Arguments.of_call(("a", "b"), COUNTER, (), {"nmae": 1})
    with pytest.raises(
        TypeError, match=r"unknown argument nmae; expected some of level, .*; too many pos"
    ):
        wrong.checked()
    with pytest.raises(TypeError, match="too many positional arguments"):
        Arguments.of_call(("a", None), COUNTER, (1,), {}).checked()


def test_whatever_an_argument_raises_it_comes_out_as_a_type_error() -> None:
    class Hostile(dict[str, str]):
        def items(self) -> Any:
            raise LookupError("no items")

    with pytest.raises(
        TypeError, match=r"an argument could not be read: LookupError\('no items'\)"
    ):
        of_call(tags=Hostile()).checked()


def test_plain_is_what_runs_no_code_of_others() -> None:
    assert are_plain("a", 1, 0.5, True, None, MISSING, ONE, {"a": "b"}, {"a": {"b": None}})
    for other in (Word("a"), Number.FOUR, [], {"a": Word("b")}, {Word("a"): "b"}, object()):
        assert not are_plain("a", other)


def test_messages_show_anything_short() -> None:
    assert shown("text") == "'text'"
    assert shown(Unprintable()) == "an unprintable Unprintable"
    assert shown(10**5000) == "an unprintable int"
    assert len(shown("x" * 10_000)) == 101
