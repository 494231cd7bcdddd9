"""Tiers, and which of them answers a query."""

from __future__ import annotations

from itertools import pairwise

import pytest

from zibrato.store.db.tiers import LATE, RETENTION, parse_retention, tier_index

TIERS = parse_retention(RETENTION)


def test_the_default_keeps_what_the_documents_say() -> None:
    days = [(tier.step, tier.keep / 86400) for tier in TIERS]
    assert days == [(1, 2), (60, 14), (900, 90), (3600, 365), (86400, 1095)]


def test_a_block_is_whole_steps_of_its_tier() -> None:
    assert all(tier.span % tier.step == 0 for tier in TIERS)


def test_a_tier_is_rolled_up_when_the_finer_one_has_been() -> None:
    assert TIERS[0].rollup_delay == LATE
    for finer, coarser in pairwise(TIERS):
        assert coarser.rollup_delay == finer.rollup_delay + finer.span


def test_units_are_seconds_minutes_hours_days_weeks_and_years() -> None:
    keeps = [tier.keep for tier in parse_retention("raw:90, 60s:3m, 2m:4h, 10m:5d, 1h:6w, 4h:7y")]
    assert keeps == [90, 180, 14_400, 432_000, 3_628_800, 220_752_000]


def test_there_are_at_most_seven_tiers() -> None:
    seven = "raw:1d,2s:1d,4s:1d,8s:1d,16s:1d,32s:1d,64s:1d"
    assert len(parse_retention(seven)) == 7
    with pytest.raises(ValueError, match="at most 7"):
        parse_retention(f"{seven},128s:1d")


@pytest.mark.parametrize(
    "text",
    ["", "60s:2d", "raw:2d,60s:1d", "raw:2d,60s:3d,90s:4d", "raw:0d", "raw:2x", "raw",
     "raw:1d,1s:2d"],
)  # fmt: skip
def test_what_is_no_retention_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="retention: expected"):
        parse_retention(text)


@pytest.mark.parametrize(
    ("ago", "step", "index"),
    [(300, 1, 0), (7200, 59, 0), (7200, 60, 1), (2 * 86400, 1, 0), (2 * 86400 + 1, 1, 1),
     (3 * 86400, 1, 1), (30 * 86400, 600, 2),
     (364 * 86400, 52560, 3), (364 * 86400, 105120, 4), (364 * 86400, 3600, 3),
     (9999 * 86400, 1, 4)],
)  # fmt: skip
def test_a_query_gets_the_coarsest_tier_that_fits_and_reaches_back(
    ago: int, step: int, index: int
) -> None:
    now = 2_000_000_000
    assert tier_index(TIERS, now, now - ago, step) == index
