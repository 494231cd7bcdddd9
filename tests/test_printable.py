"""What reaches a terminal from elsewhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zibrato.printable import printable


@given(st.text())
def test_all_of_it_can_be_printed(text: str) -> None:
    assert printable(text).isprintable()
    assert not text.isprintable() or printable(text) == text


def test_what_a_terminal_would_obey_is_shown() -> None:
    assert printable("a\x1b[2Jé\u202e\n") == r"a\x1b[2Jé\u202e\n"
