"""Keys and what they are made of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zibrato.store.db.keys import (
    MAX_TIERS,
    SERIES_BITS,
    START_BITS,
    end_of,
    key,
    series_id_of,
    start_of,
)

indices = st.integers(0, MAX_TIERS - 1)
starts = st.integers(0, 2**START_BITS - 1)
series_ids = st.integers(0, 2**SERIES_BITS - 1)


@given(indices, starts, series_ids)
def test_a_key_holds_its_parts(index: int, start: int, series_id: int) -> None:
    made = key(index, start, series_id)
    assert (start_of(made), series_id_of(made)) == (start, series_id)
    assert key(index, 0) <= made < end_of(index) < 2**63


def test_tier_0_comes_last_and_starts_come_in_order() -> None:
    assert end_of(1) <= key(0, 0) < key(0, 0, 5) < key(0, 1, 0)
