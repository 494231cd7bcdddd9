"""Levels, keys and which level fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zibrato.store.db.keys import (
    RETENTION,
    end_of,
    fitting,
    key,
    parse_retention,
    series_of,
    start_of,
)

LEVELS = parse_retention(RETENTION)


def test_the_default_keeps_what_the_documents_say() -> None:
    days = [(each.step, each.keep / 86400) for each in LEVELS]
    assert days == [(1, 2), (60, 14), (900, 90), (3600, 365), (86400, 1095)]


def test_a_block_is_whole_steps_of_its_level() -> None:
    assert all(each.span % each.step == 0 for each in LEVELS)


@pytest.mark.parametrize(
    "text",
    ["", "60s:2d", "raw:2d,60s:1d", "raw:2d,60s:3d,90s:4d", "raw:0d", "raw:2x", "raw",
     "raw:1d,1s:2d", "raw:1d,2s:1d,4s:1d,8s:1d,16s:1d,32s:1d,64s:1d,128s:1d"],
)  # fmt: skip
def test_what_is_no_retention_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="retention: expected"):
        parse_retention(text)


@given(st.integers(0, 6), st.integers(0, 2**33 - 1), st.integers(0, 2**27 - 1))
def test_a_key_holds_its_parts(level: int, start: int, series: int) -> None:
    made = key(level, start, series)
    assert (start_of(made), series_of(made)) == (start, series)
    assert key(level, 0) <= made < end_of(level) < 2**63


def test_level_0_comes_last_and_starts_come_in_order() -> None:
    assert end_of(1) <= key(0, 0) < key(0, 0, 5) < key(0, 1, 0)


@pytest.mark.parametrize(
    ("ago", "step", "level"),
    [(300, 1, 0), (7200, 59, 0), (7200, 60, 1), (3 * 86400, 1, 1), (30 * 86400, 600, 2),
     (364 * 86400, 52560, 3), (364 * 86400, 105120, 4), (364 * 86400, 3600, 3),
     (9999 * 86400, 1, 4)],
)  # fmt: skip
def test_a_query_gets_the_coarsest_level_that_fits_and_reaches_back(
    ago: int, step: int, level: int
) -> None:
    now = 2_000_000_000
    assert fitting(LEVELS, now, now - ago, step) == level
