"""What series of composite queries have in common, and how options are read."""

from __future__ import annotations

import pytest

from tests.store.api.composite_cases import EU, INPUTS, A, B
from zibrato.store.api.composite_series import choice, joined, number, per_series


def test_series_made_of_several_have_what_those_share() -> None:
    one = joined([*INPUTS[A], *INPUTS[B]], {0: 1.0, 10: float("inf")})
    assert (one.metric, one.tags, one.period, one.points) == ("*", (EU,), 60, {0: 1.0})
    alone = joined(INPUTS[B], {})
    assert (alone.metric, alone.tags) == ("b", (("host", "x"), EU))


def test_what_is_not_finite_is_left_out() -> None:
    (one,) = per_series(lambda _: {0: float("nan"), 1: 2.0})(INPUTS[B])
    assert one.points == {1: 2.0}


def test_options_are_taken_out() -> None:
    options = {"size": "2", "function": "max"}
    assert number(options, "size", "1") == 2
    assert choice(options, "function", "mean", ("mean", "max")) == "max"
    assert options == {}
    assert number(options, "size", "1") == 1


@pytest.mark.parametrize("text", ["nan", "inf", "x", "11", ""])
def test_a_number_out_of_its_range_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="size: expected a number from 1 to 10, got"):
        number({"size": text}, "size", "1", 1, 10)
