"""The keys of rows and chunks: tier, start and series in one integer; pure.

    tier, reversed (3 bits) | start, Unix seconds (33 bits) | series id (27 bits)

The integer is the table's rowid, so no index is needed beside the table's tree. Starts stand before
series ids: therefore each flush is appended in one place, and old rows lie together when they are
deleted. A series is found by one seek for each start. Tiers count backwards, so that tier 0, which
grows at every flush, is last: its rows are appended at the end of the whole tree, which never
splits a page.

A tier is named by its index: 0 for data as it was flushed, higher numbers for longer steps.
"""

from __future__ import annotations

SERIES_BITS = 27
START_BITS = 33
MAX_TIERS = 7
MAX_SERIES_ID = (1 << SERIES_BITS) - 1
MAX_START = (1 << START_BITS) - 1
"""The last Unix time that a key can hold."""


def key(index: int, start: int, series_id: int = 0) -> int:
    """Return the key of a row or chunk in the tier `index`."""
    return ((MAX_TIERS - 1 - index) << START_BITS | start) << SERIES_BITS | series_id


def start_of(row_key: int) -> int:
    """Return the Unix time in a key."""
    return row_key >> SERIES_BITS & MAX_START


def series_id_of(row_key: int) -> int:
    """Return the series id in a key."""
    return row_key & MAX_SERIES_ID


def end_of(index: int) -> int:
    """Return the key after all keys of a tier."""
    return (MAX_TIERS - index) << (START_BITS + SERIES_BITS)
