"""The keys of rows and chunks: tier, start and series in one integer; pure.

    tier, reversed (3 bits) | start, Unix seconds (33 bits) | series id (27 bits)

One integer that is the table's rowid needs no index beside the tree. As starts stand above series
ids, what is flushed is appended at one place and what is old lies together to be deleted; a series
is found by one seek for each start. Tiers count backwards, so that tier 0, to which every flush
adds, is last: its rows are appended at the end of the whole tree, which never splits a page.

A tier is named here by its index: 0 for what is kept as flushed, higher ones for coarser steps.
"""

from __future__ import annotations

SERIES_BITS = 27
START_BITS = 33
MAX_TIERS = 7
_SERIES_MASK = (1 << SERIES_BITS) - 1
MAX_START = (1 << START_BITS) - 1
"""The last Unix time that fits in a key."""


def key(index: int, start: int, series_id: int = 0) -> int:
    """Return the key of a row or chunk in the tier `index`."""
    return ((MAX_TIERS - 1 - index) << START_BITS | start) << SERIES_BITS | series_id


def start_of(row_key: int) -> int:
    """Return the Unix time in a key."""
    return row_key >> SERIES_BITS & MAX_START


def series_id_of(row_key: int) -> int:
    """Return the series id in a key."""
    return row_key & _SERIES_MASK


def end_of(index: int) -> int:
    """Return the key past all those of a tier."""
    return (MAX_TIERS - index) << (START_BITS + SERIES_BITS)
