"""What passes to a backend, under which name, and that a file has it back as it was."""

from __future__ import annotations

import pytest

from zibrato.daemon.series_filter import ALL, SeriesFilter
from zibrato.levels import LevelFilter
from zibrato.model import COUNTER, Series, Snapshot, Summary

NAMES = ("web.hits", "web.debug.hits", "db.calls")
SETTINGS = {"levels": "info+", "include": "web.*, db.*", "exclude": "*.debug.*", "prefix": "shop."}


def series(name: str, level: str = "info") -> Series:
    return Series(COUNTER, name, "here", (), level)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, NAMES),
        ({"include": "web.*"}, NAMES[:2]),
        ({"exclude": "web.*"}, NAMES[2:]),
        ({"include": "web.*,d?.calls", "exclude": "*debug*"}, (NAMES[0], NAMES[2])),
        ({"include": "[wd]b*"}, NAMES[2:]),
        ({"include": "web"}, ()),
    ],
)
def test_names_are_matched_as_a_shell_does(
    settings: dict[str, str], names: tuple[str, ...]
) -> None:
    wanted = SeriesFilter.parse(settings)
    assert tuple(name for name in NAMES if wanted.passes(series(name))) == names


def test_the_level_counts_as_well() -> None:
    wanted = SeriesFilter.parse(SETTINGS)
    assert wanted.passes(series("web.hits"))
    assert not wanted.passes(series("web.hits", "debug"))


@pytest.mark.parametrize("prefix", ["x" * 101, "a\n", "\x1b"])
def test_a_prefix_is_short_and_prints(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix: expected at most 100 characters"):
        SeriesFilter.parse({"prefix": prefix})
    assert SeriesFilter.parse({"prefix": "x" * 100}).prefix


def test_what_passes_gets_the_prefix() -> None:
    snapshot = Snapshot(0.0, 10.0, {series(name): Summary(1, 1.0) for name in NAMES})
    part = SeriesFilter.parse(SETTINGS).part(snapshot)
    assert [one.name for one in part.summaries] == ["shop.web.hits", "shop.db.calls"]
    assert (part.start, part.end) == (0.0, 10.0)


def test_its_text_means_the_same() -> None:
    for wanted in (ALL, SeriesFilter.parse(SETTINGS), SeriesFilter(LevelFilter.parse("custom"))):
        assert SeriesFilter.of_text(wanted.text) == wanted


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"levels": "x+"}, "levels: expected names"),
        ({"include": ""}, "include: expected patterns"),
        ({"exclude": " , "}, "exclude: expected patterns"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SeriesFilter.parse(settings)


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"levels": 7}'])
def test_what_is_no_text_of_one_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="not a filter"):
        SeriesFilter.of_text(text)
