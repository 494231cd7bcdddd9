"""Batches: round trips, and what is none."""

import struct
from array import array
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.batches import batch_of
from tests.wire_rules import BATCH, BATCHES, FRAME, RAW, rejected
from zibrato.wire import MAX_FRAME, MAX_SEQUENCE, Batch, decode_batch, encode, pack, unpack


@settings(deadline=None)
@given(BATCHES)
def test_a_batch_comes_out_as_it_went_in(batch: Batch) -> None:
    assert decode_batch(encode(batch)) == batch


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=False)))
def test_samples_are_packed_as_little_endian_float64s(samples: list[float]) -> None:
    packed = pack(array("d", samples))
    assert packed == struct.pack(f"<{len(samples)}d", *samples)
    assert unpack(packed).tolist() == samples


def test_a_big_endian_machine_swaps_the_bytes_of_a_copy() -> None:
    samples = array("d", [0.25, -3.0])
    with patch("zibrato.wire.byteorder", "big"):
        packed = pack(samples)
        assert unpack(packed) == samples
    assert packed == b"".join(samples[i : i + 1].tobytes()[::-1] for i in range(2))
    assert samples == array("d", [0.25, -3.0])


@pytest.mark.parametrize("length", [1, 7, 9, 12])
def test_samples_of_another_length_cannot_be_unpacked(length: int) -> None:
    with pytest.raises(ValueError, match="multiple"):
        unpack(bytes(length))


@pytest.mark.parametrize(
    "one", [b"\x01", b"\xcc\x01", b"\xcd\0\1", b"\xd0\x01", b"\xd3\0\0\0\0\0\0\0\1"]
)
@pytest.mark.parametrize("header", [b"\x98", b"\xdc\0\x08", b"\xdd\0\0\0\x08"])
def test_any_encoding_of_integers_and_lengths_will_do(header: bytes, one: bytes) -> None:
    assert decode_batch(header + one + FRAME[2:]) == BATCH


@pytest.mark.parametrize("version", [0, 2, -1, 2**63])
@pytest.mark.parametrize("rest", [RAW[1:], [*RAW[1:], "more"], [], [{"all": "else"}], [1, 2]])
def test_another_version_is_named_as_such_whatever_follows(version: int, rest: list[Any]) -> None:
    assert rejected(msgspec.msgpack.encode([version, *rest])) == {"version": 1}


@pytest.mark.parametrize(
    "raw",
    [
        [],
        {},
        {"version": 1},
        RAW[:4],
        [*RAW, -1],
        [*RAW[:5], [[*RAW[5][0], 0]]],
        [*RAW[:5], [], [[*RAW[6][0], 0]]],
        [*RAW[:5], [], [RAW[6][0][:4]]],
        [True, *RAW[1:]],
        [1.0, *RAW[1:]],
        ["1", *RAW[1:]],
        [1, "", *RAW[2:]],
        [1, "c" * 256, *RAW[2:]],
        [1, "c", -1, *RAW[3:]],
        [1, "c", 1, "0", *RAW[4:]],
        [1, "c", 1, 0, None, *RAW[5:]],
    ],
)
def test_what_is_no_batch_is_malformed(raw: Any) -> None:
    assert rejected(msgspec.msgpack.encode(raw)) == {"malformed": 1}


def test_a_batch_may_leave_out_lists_at_its_end() -> None:
    for length in (5, 6, 7):
        batch = batch_of(msgspec.msgpack.encode(RAW[:length]))
        assert list(batch.counters) == list(BATCH.counters if length > 5 else ())
        assert list(batch.timers) == list(BATCH.timers if length > 6 else ())
        assert not batch.gauges


def test_text_that_is_no_utf8_is_named_as_such() -> None:
    assert rejected(b"info|counter|\xff|1") == {"encoding": 1}
    assert rejected(FRAME.replace(b"hits", b"hi\xff\xfe")) == {"encoding": 1}
    surrogate = "\ud800".encode("utf-8", "surrogatepass")
    assert rejected(b"info|counter|" + surrogate + b"|1") == {"encoding": 1}
    assert rejected(FRAME.replace(b"hits", surrogate + b"s")) == {"encoding": 1}


@pytest.mark.parametrize("depth", [10, 1_000, 500_000])
@pytest.mark.parametrize("at", range(9))
def test_no_depth_of_nesting_raises(depth: int, at: int) -> None:
    elements = [msgspec.msgpack.encode(element) for element in RAW]
    elements[at:at] = [b"\x91" * depth + b"\x01"]
    frame = b"\xdc\0" + bytes([len(elements)]) + b"".join(elements)
    assert rejected(frame) == {"malformed": 1}
    assert rejected(b"\x98\x01" + b"\x91" * depth) == {"malformed": 1}


@pytest.mark.parametrize("header", [b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff"])
@pytest.mark.attack("frames that promise more than they hold", before="nothing that is known")
def test_lengths_that_are_not_there_take_no_memory(header: bytes) -> None:
    assert rejected(b"\x98\x01\xa1c\x01\x01\x01" + header) == {"malformed": 1}
    assert rejected(header) == {"malformed": 1}


@pytest.mark.parametrize("number", [2**63, 2**64 - 1])
@pytest.mark.attack("numbers of batches past what SQLite takes", before="no commit after it")
def test_the_number_of_a_batch_is_one_that_can_be_committed(number: int) -> None:
    highest = msgspec.structs.replace(BATCH, sequence=MAX_SEQUENCE, acknowledged=MAX_SEQUENCE)
    assert decode_batch(encode(highest)) == highest
    assert rejected(encode(msgspec.structs.replace(highest, sequence=number))) == {"malformed": 1}
    assert rejected(encode(msgspec.structs.replace(BATCH, acknowledged=number))) == {"malformed": 1}


def test_the_size_of_a_frame_is_bounded() -> None:
    assert rejected(b"\x98" + bytes(MAX_FRAME - 1)) == {"malformed": 1}
    assert rejected(b"\x98" + bytes(MAX_FRAME)) == {"size": 1}
