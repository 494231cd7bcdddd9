"""Sizes as people write them."""

from __future__ import annotations

import pytest

from zibrato.unit_suffixes import parse_size

ODD = [
    "", "0", "-1", "1048575", "1023K", "129T", "8g", "8GB", "1.5G", "G", "٣M", "1_0M", "1e9", "nan",
    "1 M", "1M\n",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "size"),
    [("1048576", 1 << 20), ("1M", 1 << 20), ("8G", 8 << 30), ("2048K", 2 << 20), ("128T", 1 << 47)],
)
def test_a_size_may_have_a_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ODD)
def test_anything_else_is_wrong(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected bytes from 1M to 128T such as 8G, got "):
        parse_size(text)


def test_a_wrong_text_is_cut_short() -> None:
    with pytest.raises(ValueError, match=r"got '9{64}'$"):
        parse_size("9" * 1000)
