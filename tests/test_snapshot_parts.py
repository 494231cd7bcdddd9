"""Snapshot parts as frames: decoding returns what was encoded, and accepts nothing invalid."""

from __future__ import annotations

import json
import struct
from math import inf, nan
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from tests.part_rules import FRAME, check_part
from tests.protocol import PROTOCOL, block
from zibrato.distribution import MAX_EXACT_SAMPLES, Distribution, bucket_of
from zibrato.model import COUNTER, GAUGE, MAX_COUNT, TIMER, Series, Summary
from zibrato.snapshot_parts import (
    MAX_PART,
    VERSION,
    SnapshotPart,
    decode_part,
    encode_part,
    encode_rows,
    summary_rows,
)

HUGE = 1.7976931348623157e308
TEXT = st.text(min_size=1, max_size=5)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
SAMPLES = st.lists(st.floats(0, 1e300), min_size=1, max_size=5) | st.just(
    [float(number) for number in range(MAX_EXACT_SAMPLES + 1)]
)


@st.composite
def items(draw: st.DrawFn) -> tuple[Series, Summary]:
    kind = draw(st.sampled_from([COUNTER, TIMER, GAUGE]))
    tags = draw(st.dictionaries(TEXT, TEXT, max_size=2))
    level = draw(st.sampled_from(["debug", "error", "mine"]))
    series = Series(kind, draw(TEXT), draw(TEXT), tuple(sorted(tags.items())), level)
    if kind == COUNTER:
        return series, Summary(draw(st.integers(1, MAX_COUNT)), draw(NUMBER))
    if kind == GAUGE:
        low, last, high = sorted((draw(NUMBER), draw(NUMBER), draw(NUMBER)))
        count, squares = draw(st.integers(1, MAX_COUNT)), draw(st.floats(0, HUGE))
        return series, Summary(count, draw(NUMBER), low, high, squares, last)
    samples = draw(SAMPLES)
    made = Distribution(samples)
    return series, Summary(
        len(samples), sum(samples), made.low, made.high, 1.0, samples[-1], made
    )  # fmt: skip


def part_of(summaries: dict[Series, Summary]) -> SnapshotPart:
    frame = encode_part("host-1", 7, 6, (10.0, 20.0), encode_rows(summaries))
    part = decode_part(frame)
    assert isinstance(part, SnapshotPart)
    return part


def comparable(summary: Summary) -> object:
    parts = summary.distribution
    return astuple(summary)[:6], parts and (
        parts.samples,
        dict(parts.buckets),
        parts.zeros,
        parts.count,
    )


@given(st.lists(items(), max_size=6).map(dict))
def test_what_comes_back_is_what_went_in(summaries: dict[Series, Summary]) -> None:
    part = part_of(summaries)
    assert (part.client, part.sequence, part.after, part.when) == ("host-1", 7, 6, 15.0)
    rows, rejected = summary_rows(part)
    assert not rejected
    assert {row.when for row in rows} <= {15.0}
    again = {
        Series(row.kind, row.name, row.source or "", tuple(sorted(row.tags.items())), row.level): (
            comparable(row.summary)
        )
        for row in rows
    }
    assert again == {series: comparable(summary) for series, summary in summaries.items()}


@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    check_part(data)
    check_part(FRAME[: len(data)] + data)


def test_the_documented_dump_is_the_documented_part() -> None:
    hexes = [line[10:57] for line in block("part-hex").splitlines()]
    frame = bytes.fromhex("".join(hexes))
    assert f"has {len(frame)} bytes" in PROTOCOL
    raw = msgspec.msgpack.decode(frame)
    raw[7][0][10] = list(struct.unpack("<2d", raw[7][0][10]))
    assert raw == json.loads(block("part"))
    part = decode_part(frame)
    assert isinstance(part, SnapshotPart)
    rows, rejected = summary_rows(part)
    assert (len(rows), dict(rejected)) == (4, {})


def timer(count: int = 2, distribution: object = None, **changes: Any) -> list[object]:
    """Return a row of a timer in plain types; by default with the samples 1.0 and 2.0."""
    one_and_two = [0, [bucket_of(1.0), bucket_of(2.0)], [1, 1]]
    fields = {
        "sum": 3.0, "min": 1.0, "max": 2.0, "squares": 5.0, "last": 2.0, **changes
    }  # fmt: skip
    return ["t", "info", None, {}, count, *fields.values(), distribution or one_and_two]


def outcome(kind: str, row: list[object]) -> dict[str, int]:
    """Return why a row is rejected; {} if it is accepted."""
    lists: list[list[Any]] = [[row] if kind == one else [] for one in (COUNTER, TIMER, GAUGE)]
    part = decode_part(msgspec.msgpack.encode([VERSION, "h", 1, 0, 10.0, 20.0, *lists]))
    assert isinstance(part, SnapshotPart), part
    rows, rejected = summary_rows(part)
    assert bool(rows) != bool(rejected)
    return dict(rejected)


@pytest.mark.parametrize("count", [0, -1, MAX_COUNT + 1])
def test_a_count_is_at_least_1_and_what_can_be_counted(count: int) -> None:
    assert outcome(COUNTER, ["c", "info", None, {}, count, 1.0]) == {"count": 1}


@pytest.mark.parametrize("number", [nan, inf, -inf])
def test_what_is_not_finite_is_rejected(number: float) -> None:
    assert outcome(COUNTER, ["c", "info", None, {}, 3, number]) == {"value": 3}
    for place in range(5):
        readings = [3.0, 1.0, 2.0, 5.0, 2.0]
        readings[place] = number
        assert outcome(GAUGE, ["g", "info", None, {}, 4, *readings]) == {"value": 4}


@pytest.mark.parametrize(
    "changes",
    [
        {"min": 2.5}, {"min": -1.0}, {"squares": -1.0}, {"last": nan}, {"max": 0.5},
        {"sum": -1.0}, {"last": -1.0},
    ],
)  # fmt: skip
def test_what_no_timer_has_is_rejected(changes: dict[str, Any]) -> None:
    assert outcome(TIMER, timer(**changes)) == {"value": 2}


def test_a_gauge_may_be_below_0() -> None:
    assert outcome(GAUGE, ["g", "info", None, {}, 1, -5.0, -5.0, -5.0, 25.0, -5.0]) == {}


@pytest.mark.parametrize(
    "distribution",
    [
        b"\0" * 15,
        b"\0" * 8,
        b"\0" * 16,
        b"\0\0\0\0\0\0\xf8\x7f" * 2,
        [0, [1], [1]],
        [0, [1, 2], [1]],
        [0, [1, 1], [1, 1]],
        [0, [1, 2], [2, 0]],
        [-1, [1, 2], [2, 1]],
        [0, [1, 65_537], [1, 1]],
        [0, [1, -68_737], [1, 1]],
        [3, [], []],
    ],
)
def test_a_distribution_is_one_and_has_as_many_samples_as_its_row_says(
    distribution: object,
) -> None:
    assert outcome(TIMER, timer(distribution=distribution)) == {"samples": 2}


@pytest.mark.parametrize(
    "distribution", [[0, [1], [MAX_COUNT + 1]], [MAX_COUNT + 1, [], []], [0, [1], [2**64 - 1]]]
)
def test_no_bucket_has_more_than_can_be_counted(distribution: object) -> None:
    assert outcome(TIMER, timer(MAX_COUNT, distribution)) == {"samples": MAX_COUNT}


def test_too_many_samples_or_buckets_are_rejected() -> None:
    count = MAX_EXACT_SAMPLES + 1
    ones = b"\0\0\0\0\0\0\xf0\x3f" * count
    assert outcome(TIMER, timer(count, ones)) == {"samples": count}
    assert outcome(TIMER, timer(count - 1, ones[8:])) == {}
    indices = list(range(8193))
    assert outcome(TIMER, timer(8193, [0, indices, [1] * 8193])) == {"samples": 8193}


def test_the_extremes_of_float64_have_buckets() -> None:
    edges = [0, [bucket_of(5e-324), bucket_of(HUGE)], [1, 1]]
    assert outcome(TIMER, timer(distribution=edges)) == {}


def test_a_frame_has_a_bound() -> None:
    assert decode_part(FRAME + b"\0" * (MAX_PART - len(FRAME))) == "malformed"
    assert decode_part(FRAME + b"\0" * (MAX_PART - len(FRAME) + 1)) == "size"


def test_what_can_t_be_shipped_has_no_data() -> None:
    series = Series(GAUGE, "g", "here")
    (row,) = encode_rows({series: Summary(3, 1.0, 1.0, 1.0, nan, nan)})
    assert (row.data, row.measurements) == (b"", 3)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"\x91\x07", "version"),
        (b"\x91\x02", "malformed"),
        (b"\xff", "malformed"),
        (b"\x99\x02\xa1\xff\x01\x00\x0a\x14\x90\x90\x90", "encoding"),
        (b"\x97\x02\xa1h\x00\x00\x0a\x14\x90", "malformed"),  # numbers begin at 1
        (b"\x97\x01\xa1h\x01\x00\x0a\x14\x90", "version"),
    ],
)
def test_what_is_no_part_says_why(frame: bytes, reason: str) -> None:
    assert decode_part(frame) == reason


def test_a_clock_that_was_set_back_leaves_the_end() -> None:
    frame = encode_part("h", 1, 0, (30.0, 20.0), [])
    part = decode_part(frame)
    assert isinstance(part, SnapshotPart)
    assert part.when == 20.0
