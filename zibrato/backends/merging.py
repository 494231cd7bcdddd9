"""Merges many summaries to one; pure."""

from __future__ import annotations

from collections.abc import Sequence

from zibrato.model import Summary

__all__ = ["merged"]


def merged(summaries: Sequence[Summary]) -> Summary:
    """Return the summary of all `summaries`, oldest first; there must be at least one.

    They are merged in pairs: one after the other, thousands would take quadratic time, because each
    merge copies the distribution.
    """
    while len(summaries) > 1:
        pairs = zip(summaries[::2], summaries[1::2], strict=False)
        unpaired = summaries[len(summaries) // 2 * 2 :]
        summaries = [*(older.merged(newer) for older, newer in pairs), *unpaired]
    return summaries[0]
