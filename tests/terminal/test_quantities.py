"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from zibrato.terminal.quantities import duration, number, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0s"), (0.9, "0s"), (59, "59s"), (60, "1m 0s"), (3_725, "1h 2m"), (1e6, "11d 13h")],
)
def test_durations_have_their_two_largest_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5e9, "4.66 GiB"), (2**52, "4096 TiB")],
)
def test_sizes_have_a_unit(count: float, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"), (0, "0"), (0.00123456, "0.00123"), (12.345, "12.3"), (9_999, "9999"),
        (34_100, "34.1k"), (-2.5e6, "-2.5M"), (1e20, "1e+20"),
        (math.inf, "inf"), (0.000127, "127µ"), (1e-9, "1e-09"),
    ],
)  # fmt: skip
def test_numbers_are_short(value: float | None, text: str) -> None:
    assert number(value) == text
    assert len(text) <= 7
