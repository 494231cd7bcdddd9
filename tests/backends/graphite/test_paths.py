"""Paths that carbon and Graphite take as they are meant, whatever the series is called."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from zibrato.backends.graphite.paths import MAX_PART, path_name, path_tags
from zibrato.model import COUNTER, Series

TEXTS = st.text(min_size=1, max_size=255)
NAME = re.compile(r"[A-Za-z0-9_:-]{1,200}(\.[A-Za-z0-9_:-]{1,200})*")
TAG = re.compile(r"[A-Za-z0-9_.:-]+=[!-:<-}][!-:<-~]*")


def tags_of(series: Series, room: int = 4096) -> str:
    return path_tags(series, room)


def test_names_keep_their_parts() -> None:
    for name, expected in (
        ("web.requests", "web.requests"),
        ("..a..b.", "a.b"),
        ("a b/c;d", "a-b-c-d"),
        ("...", "-"),
        ("größe", "gr-e"),
    ):
        assert path_name(name) == expected


def test_a_part_is_a_file_s_name_and_stays_distinct() -> None:
    one, two = (path_name("x" * 240 + end) for end in "ab")
    assert len(one) == len(two) == MAX_PART
    assert one != two


def test_level_and_source_are_tags_in_order() -> None:
    series = Series(COUNTER, "n", "web 1", (("route", "/a"), ("level", "no")), "error")
    assert tags_of(series) == ";level=error;route=/a;source=web-1"


def test_what_no_tag_may_be_called_gets_another_name() -> None:
    series = Series(COUNTER, "n", "s", (("a;b!", "~x;y"), ("name", "v")))
    assert tags_of(series) == ";a-b-=-x-y;level=info;name-=v;source=s"


def test_what_does_not_fit_is_left_out_but_not_level_and_source() -> None:
    tags = tuple((f"t{number:03}", "v" * 200) for number in range(50))
    text = tags_of(Series(COUNTER, "n", "s" * 255, tags), 1000)
    assert 800 < len(text) <= 1000
    assert ";level=info;source=s" in text
    assert text.count("=") == 5


@given(TEXTS, TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=6))
def test_whatever_comes_is_a_path(name: str, source: str, tags: dict[str, str]) -> None:
    assert NAME.fullmatch(path_name(name))
    first, *others = tags_of(Series(COUNTER, name, source, tuple(tags.items()))).split(";")
    assert first == ""
    assert all(TAG.fullmatch(tag) for tag in others)
    names = [tag.partition("=")[0] for tag in others]
    assert names == sorted(set(names))
    assert "name" not in names
