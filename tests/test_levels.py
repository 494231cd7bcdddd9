"""Level names, aliases, numbers, labels, and filter expressions."""

import logging
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zibrato.levels import EVERYTHING, LEVELS, LevelFilter, level_name

LABEL = re.compile(r"[a-z0-9_.-]{1,32}")


@pytest.mark.parametrize(
    ("given_level", "name"),
    [
        ("debug", "debug"),
        ("Info", "info"),
        (" WARNING\t", "warning"),
        ("warn", "warning"),
        ("err", "error"),
        ("FATAL", "critical"),
        ("crit", "critical"),
        ("10", "debug"),
        ("35", "warning"),
        ("0", "debug"),
        ("007", "debug"),
        ("99999999999999999999999999999999", "critical"),
        (logging.DEBUG, "debug"),
        (logging.INFO, "info"),
        (logging.WARNING, "warning"),
        (logging.ERROR, "error"),
        (logging.CRITICAL, "critical"),
        (logging.WARNING + 5, "warning"),
        (logging.DEBUG - 1, "debug"),
        (-100, "debug"),
        (10**30, "critical"),
        ("audit", "audit"),
        ("Audit-2.b_c", "audit-2.b_c"),
        ("x" * 32, "x" * 32),
    ],
)
def test_names_aliases_numbers_and_labels(given_level: str | int, name: str) -> None:
    assert level_name(given_level) == name


@pytest.mark.parametrize(
    "bad",
    ["", "  ", "x" * 33, "1" * 33, "info ,", "a b", "a|b", "é", "\N{KELVIN SIGN}", "²", "info\0"],
)
def test_what_cannot_be_a_label_is_rejected(bad: str) -> None:
    with pytest.raises(ValueError, match=r"level: expected one of debug, info"):
        level_name(bad)


def test_a_frame_of_white_space_around_a_level_is_rejected_and_not_kept() -> None:
    before = level_name.cache_info().currsize
    with pytest.raises(ValueError, match="level: expected") as rejection:
        level_name("info" + " " * 4_000_000)
    assert len(str(rejection.value)) < 300
    assert level_name.cache_info().currsize == before


@pytest.mark.parametrize("bad", [None, 1.5, b"info", object()])
def test_what_is_neither_name_nor_number_is_a_type_error(bad: Any) -> None:
    with pytest.raises(TypeError, match="level: expected a name or a number"):
        level_name(bad)


def test_a_float_is_none_even_after_its_integer() -> None:
    level_name(20)
    not_an_int: Any = 20.0
    with pytest.raises(TypeError):
        level_name(not_an_int)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_a_canonical_label_or_rejected(text: str) -> None:
    try:
        name = level_name(text)
    except ValueError:
        stripped = text.strip().lower()
        assert not (text.isascii() and len(text) <= 64 and LABEL.fullmatch(stripped))
    else:
        assert LABEL.fullmatch(name)
        assert level_name(name) == name


@pytest.mark.parametrize(
    ("expression", "passing"),
    [
        ("info,error", {"info", "error"}),
        ("warning+", {"warning", "error", "critical"}),
        ("warn+", {"warning", "error", "critical"}),
        ("30+", {"warning", "error", "critical"}),
        ("debug+", set(LEVELS)),
        ("critical+", {"critical"}),
        ("debug,error+", {"debug", "error", "critical"}),
        (" INFO , audit ", {"info", "audit"}),
        ("info,info", {"info"}),
    ],
)
def test_expressions_let_through_what_they_name(expression: str, passing: set[str]) -> None:
    levels = LevelFilter.parse(expression)
    candidates = {*LEVELS, "audit", "other"}
    assert {level for level in candidates if levels.passes(level)} == passing


def test_no_expression_lets_everything_through() -> None:
    for levels in (EVERYTHING, LevelFilter.parse(""), LevelFilter.parse("  ")):
        assert levels.passes("debug")
        assert levels.passes("audit")
        assert levels.custom == []
        assert str(levels) == "all"


@pytest.mark.parametrize(
    "malformed", [",", "info,", ",info", "info,,error", "+", "audit+", "info++", "a b", "info;x"]
)
def test_malformed_expressions_are_rejected(malformed: str) -> None:
    with pytest.raises(ValueError, match=r"expected names such as info,error") as rejection:
        LevelFilter.parse(malformed)
    assert repr(malformed) in str(rejection.value)
    assert "\n" not in str(rejection.value)


def test_custom_labels_are_told_from_standard_levels() -> None:
    assert LevelFilter.parse("info,audit,inof,warn").custom == ["audit", "inof"]
    assert LevelFilter.parse("warning+").custom == []


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([*LEVELS, "warn", "20", "audit", "x.y", "error+", "warn+", "debug+"]),
        min_size=1,
    )
)
def test_a_filter_reads_back_as_itself(items: list[str]) -> None:
    levels = LevelFilter.parse(",".join(items))
    assert LevelFilter.parse(str(levels)) == levels


def test_standard_levels_come_in_order() -> None:
    assert str(LevelFilter.parse("audit,critical,debug,info")) == "debug,info,critical,audit"
