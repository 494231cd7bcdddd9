"""Which part of a row's identity is out of bounds, if any."""

from __future__ import annotations

from typing import Any

import pytest

from tests.daemon.aggregation.aggregators import LONG, LONGEST
from zibrato.daemon.aggregation.identity import rejection_of
from zibrato.model import MAX_TAGS

GOOD: dict[str, Any] = {"name": "a", "level": "info", "source": None, "tags": ()}


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("name", ""),
        ("name", LONG),
        ("level", "no level"),
        ("source", LONG),
        ("tags", (("", "b"),)),
        ("tags", (("a", ""),)),
        ("tags", (("a", LONG),)),
        ("tags", ((LONG, "b"),)),
        ("tags", tuple((f"{number}", "b") for number in range(MAX_TAGS + 1))),
    ],
)
def test_a_part_out_of_bounds_is_named(part: str, value: object) -> None:
    assert rejection_of(**{**GOOD, part: value}) == part


def test_what_is_as_long_as_it_may_be_passes() -> None:
    tags = tuple((f"{number}", LONGEST) for number in range(MAX_TAGS))
    assert rejection_of(LONGEST, "x" * 32, LONGEST, tags) is None
    assert rejection_of("a", "info", "", ()) is None
