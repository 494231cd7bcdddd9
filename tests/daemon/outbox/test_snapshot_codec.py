"""Snapshots and frames to bytes and back."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from tests.part_rules import FRAME, SNAPSHOT
from zibrato.daemon.outbox import snapshot_codec
from zibrato.daemon.outbox.snapshot_codec import (
    content_of,
    frame_of,
    pack_frames,
    pieces,
    snapshot_of,
    unpack_frames,
)
from zibrato.distribution import Distribution
from zibrato.lines import LineBatch, RepeatedRow, SetRow
from zibrato.model import COUNTER, GAUGE, MAX_COUNT, TIMER, Series, Snapshot, Summary
from zibrato.wire import Batch, CounterRow

TEXT = st.text(min_size=1, max_size=5)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
SERIES = st.builds(
    Series,
    st.sampled_from([COUNTER, GAUGE, TIMER]),
    TEXT,
    TEXT,
    st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple),
    TEXT,
)
SAMPLES = st.lists(st.floats(0, 1e9), max_size=5) | st.just([float(n) for n in range(2000)])
SUMMARY = st.builds(
    Summary,
    st.integers(1, MAX_COUNT),
    NUMBER,
    NUMBER,
    NUMBER,
    NUMBER,
    NUMBER,
    st.none() | SAMPLES.map(Distribution),
)


def plain(snapshot: Snapshot) -> list[object]:
    """Return what can be compared."""
    return [
        (
            series,
            astuple(summary)[:6],
            None if parts is None else (parts.samples, parts.buckets, parts.low),
        )
        for series, summary in snapshot.summaries.items()
        for parts in [summary.distribution]
    ]


@given(st.dictionaries(SERIES, SUMMARY, max_size=7))
def test_what_comes_back_is_what_went_in(summaries: dict[Series, Summary]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot_codec, "PIECE", 3)
        snapshot = Snapshot(10.0, 20.0, summaries)
        parts = list(pieces(snapshot))
    assert len(parts) == math.ceil(len(summaries) / 3)
    assert plain(snapshot_of(10.0, 20.0, parts)) == plain(snapshot)


def test_counts_of_buckets_are_bounded_as_all_counts_are() -> None:
    full = Distribution.of_buckets({1: 2**64, 2: 5}, 2**65, 1.0, 2.0)
    series = Series(TIMER, "t", "here")
    parts = pieces(Snapshot(10.0, 20.0, {series: Summary(MAX_COUNT, 1.0, distribution=full)}))
    back = snapshot_of(10.0, 20.0, parts).summaries[series].distribution
    assert back is not None
    assert (back.zeros, back.buckets) == (MAX_COUNT, {1: MAX_COUNT, 2: 5})


@given(st.binary(max_size=50))
def test_what_is_damaged_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a snapshot"):
        snapshot_of(0.0, 10.0, [data])
    with pytest.raises(ValueError, match="not frames"):
        unpack_frames(data)


def test_batches_and_what_lines_said_come_back() -> None:
    counters = [CounterRow("n", "info", None, {}, 1, 2.0)]
    batch = Batch(1, "c", 1, 20.0, 21.0, counters, [], [])
    repeated = [RepeatedRow("t", "info", None, {}, [0.5], [3])]
    lines = LineBatch(
        20.0, 20.0, counters, [], [], repeated, [SetRow("s", "info", None, {}, [b"a"])]
    )
    assert content_of(frame_of(batch)) == batch
    assert content_of(frame_of(lines)) == lines
    for damaged in (b"", b"\x80", b"\x90", b"text"):
        with pytest.raises(ValueError, match="not a batch"):
            content_of(damaged)


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [b""],
        [b"a", b"", b"\xff"],
        [b"x" * 3 * snapshot_codec.PACKED_BYTES, b"a"],
        [random.Random(1).randbytes(100)] * 10_000,
    ],
    ids=["none", "empty", "few", "long", "many"],
)
def test_frames_come_back_in_order_from_their_pieces(frames: list[bytes]) -> None:
    packed = list(pack_frames(frames))
    assert [frame for piece in packed for frame in unpack_frames(piece)] == frames


def test_frames_are_packed_some_at_a_time() -> None:
    frames = [bytes(1000)] * 1000
    sizes = [sum(map(len, unpack_frames(piece))) for piece in pack_frames(frames)]
    assert len(sizes) > 1
    assert max(sizes) <= snapshot_codec.PACKED_BYTES + 1000


def test_what_compression_saves_little_of_is_stored_as_it_is_after_the_first_piece() -> None:
    noise = random.Random(1)
    frames = [noise.randbytes(1000) + bytes(100) for _ in range(1000)]
    first, *others = pack_frames(frames)
    assert others
    assert len(first) < sum(map(len, unpack_frames(first)))
    assert all(len(piece) > sum(map(len, unpack_frames(piece))) for piece in others)


def test_what_compression_saves_much_of_is_compressed_in_all_pieces() -> None:
    frames = [b'{"name": "%d"}' % number for number in range(50_000)]
    packed = list(pack_frames(frames))
    assert len(packed) > 1
    assert all(len(piece) < snapshot_codec.PACKED_BYTES / 2 for piece in packed)


def test_a_part_of_another_daemon_s_snapshot_comes_back_as_rows() -> None:
    rows = content_of(FRAME)
    assert not isinstance(rows, Batch | LineBatch)
    assert [row.name for row in rows] == ["hits", "db.query", "work", "queue"]
    assert sum(row.summary.count for row in rows) == SNAPSHOT.measurements
    with pytest.raises(ValueError, match="not a batch"):
        content_of(b"\x91\x03")
