"""What the two APIs tell series by: tags that are legal, and as few as there may be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.integration.librato_tagged_rules import TAG_NAME, TAG_VALUE
from zibrato.backends.librato.streams import (
    LEGACY_STREAMS,
    MAX_TAGS,
    TAGGED_STREAMS,
    Stream,
    Streams,
)
from zibrato.model import COUNTER, Series

TEXTS = st.text(min_size=1, max_size=255)


def legal(streams: Streams, series: Series) -> Stream:
    return streams.legal(streams.own(series))


def test_the_legacy_api_has_names_and_sources_alone() -> None:
    series = Series(COUNTER, "a b", "all", (("host", "x"),), "error")
    assert legal(LEGACY_STREAMS, series) == Stream("a-b", "all-")


def test_source_and_level_are_tags() -> None:
    series = Series(COUNTER, "n", "Web 1", (("Host", "A/b c"), ("level", "mine")), "error")
    expected = (("host", "a/b c"), ("level", "error"), ("source", "web 1"))
    assert legal(TAGGED_STREAMS, series) == Stream("n", "web 1", expected)


def test_illegal_characters_are_rewritten() -> None:
    series = Series(COUNTER, "n", "s", (("a b", "x;y"), ("long" * 30, "é" * 300)))
    tags = dict(legal(TAGGED_STREAMS, series).tags)
    assert tags["a-b"] == "x-y"
    assert {len(name): len(value) for name, value in tags.items()}[64] == 255


def test_too_many_tags_lose_the_last_ones_but_not_source_and_level() -> None:
    tags = tuple((f"t{number:03}", "v") for number in range(MAX_TAGS + 10))
    names = [name for name, _ in legal(TAGGED_STREAMS, Series(COUNTER, "n", "s", tags)).tags]
    assert len(names) == MAX_TAGS
    assert names[:3] + names[-2:] == ["level", "source", "t000", "t046", "t047"]


@given(st.dictionaries(TEXTS, TEXTS, max_size=8), TEXTS, TEXTS)
def test_whatever_comes_is_legal_and_stays_so(
    tags: dict[str, str], source: str, level: str
) -> None:
    once = legal(TAGGED_STREAMS, Series(COUNTER, "n", source, tuple(tags.items()), level))
    for name, value in once.tags:
        assert TAG_NAME.fullmatch(name)
        assert TAG_VALUE.fullmatch(value)
    assert TAGGED_STREAMS.legal(once) == once
