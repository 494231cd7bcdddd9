"""Check that a decoder of snapshot parts accepts nothing invalid; and an example of a part."""

from __future__ import annotations

from math import isfinite

from msgspec.structs import astuple

from zibrato.distribution import Distribution
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Snapshot, Summary
from zibrato.snapshot_parts import SnapshotPart, decode_part, encode_part, encode_rows, summary_rows

_MANY = Distribution([0.001 * number for number in range(2000)])
SNAPSHOT = Snapshot(
    1_700_000_000.0,
    1_700_000_010.0,
    {
        Series(COUNTER, "hits", "web1"): Summary(3, 4.5),
        Series(TIMER, "db.query", "web1", (("table", "users"),), "debug"): Summary(
            2, 0.75, 0.25, 0.5, 0.3125, 0.5, Distribution([0.25, 0.5])
        ),
        Series(TIMER, "work", "web1"): Summary(2000, 1999.0, 0.0, 1.999, 2665.0, 1.0, _MANY),
        Series(GAUGE, "queue", "web1", (), "warning"): Summary(1, 12.0, 12.0, 12.0, 144.0, 12.0),
    },
)
TIMES = (SNAPSHOT.start, SNAPSHOT.end)
FRAME = encode_part("5f2a-0c1d", 3 << 20, 0, TIMES, encode_rows(SNAPSHOT.summaries))


def check_part(frame: bytes) -> None:
    """Assert that decoding a frame never raises, and accepts only what a daemon can have made."""
    part = decode_part(frame)
    if not isinstance(part, SnapshotPart):
        assert part in {"encoding", "malformed", "size", "version"}
        return
    rows, rejected = summary_rows(part)
    assert len(rows) <= len(part.counters) + len(part.timers) + len(part.gauges)
    assert not rejected or min(rejected.values()) > 0
    for row in rows:
        summary = row.summary
        assert summary.count > 0
        assert all(map(isfinite, astuple(summary)[1:6]))
        assert (summary.distribution is not None) == (row.kind == TIMER)
        if summary.distribution is not None:
            assert summary.min >= 0
            assert summary.distribution.count >= summary.count
            low, high = summary.distribution.percentiles((0, 100))
            assert summary.min <= low <= high <= summary.max
