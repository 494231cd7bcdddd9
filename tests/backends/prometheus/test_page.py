"""One page for many readers: what each gets, and what is held meanwhile."""

from __future__ import annotations

import gzip
from weakref import ref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zibrato.backends.prometheus.page import Page
from zibrato.interfaces import RetryLater

ROOM = 1 << 20
LINES = [f"calls_{number**3 % 1009} {number**5 % 1013}\n" * 9 for number in range(30_000)]


@given(st.lists(st.text() | st.integers(0, 300_000).map(lambda length: "x" * length), max_size=5))
def test_a_reader_gets_all_of_it_either_way(text: list[str]) -> None:
    page, whole = Page(text, ROOM), "".join(text).encode()
    compressed, parts = b"".join(page.compressed()), [*page.text()]
    assert gzip.decompress(compressed) == b"".join(parts) == whole
    assert (page.size, page.length) == (len(compressed), len(whole))
    assert b"" not in parts


def test_a_reader_of_text_is_given_little_at_once() -> None:
    parts = [*Page(LINES, ROOM).text()]
    assert max(map(len, parts)) <= 1 << 16
    assert len(parts) > 50


def test_what_has_no_room_is_not_written_to_the_end() -> None:
    size = Page(LINES, ROOM).size
    assert Page(LINES, size).size == size
    taken = iter(LINES)
    with pytest.raises(RetryLater, match="takes more than"):
        Page(taken, size // 10)
    assert next(taken, None) is not None


def test_it_is_there_for_as_long_as_somebody_reads_it() -> None:
    for read in (Page.text, Page.compressed):
        page = Page(LINES, ROOM)
        reader, known = read(page), ref(page)
        next(reader)
        del page
        assert known() is not None
        for _ in reader:
            pass
        del reader
        assert known() is None


def test_who_reads_a_released_page_gets_no_end_of_it() -> None:
    for read in (Page.text, Page.compressed):
        page = Page(LINES, ROOM)
        begun, waiting = read(page), read(page)
        next(begun)
        page.release()
        for reader in (begun, waiting):
            with pytest.raises(RetryLater, match="released"):
                b"".join(reader)
