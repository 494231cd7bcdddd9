"""Both wire forms: round trips, whatever bytes come, and what docs/reference/protocol.rst says."""

import json
import re
import struct
import sys
from array import array
from collections import Counter, defaultdict
from fractions import Fraction
from math import isfinite
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zibrato.wire import (
    MAX_FRAME,
    VERSION,
    Batch,
    CounterRow,
    Decoded,
    SampleRow,
    decode,
    encode,
    pack,
    unpack,
)

NOW = 1_715_680_801.25
PROTOCOL = (Path(__file__).parent.parent / "docs" / "reference" / "protocol.rst").read_text(
    encoding="utf-8"
)
LINE_TABLE, FRAME_TABLE, _ROW_TABLE = re.findall(
    r"^reason .*\n=[= ]+\n((?:.+\n)+?)=[= ]+\n", PROTOCOL, re.M
)
LINE_REASONS = re.findall(r"^``(\w+)``", LINE_TABLE, re.M)
FRAME_REASONS = re.findall(r"^``(\w+)``", FRAME_TABLE, re.M)
BLANK = " \t\r\v\f"

TEXT = st.text(max_size=12)
FLOAT = st.floats(allow_nan=False)
TAGS = st.dictionaries(TEXT, TEXT, max_size=3)
IDENTITY = (TEXT, TEXT, st.none() | TEXT, TAGS)
COUNTER_ROWS = st.builds(CounterRow, *IDENTITY, st.integers(-(2**63), 2**64 - 1), FLOAT)
SAMPLE_ROWS = st.builds(SampleRow, *IDENTITY, st.binary(max_size=40))
BATCHES = st.builds(
    Batch,
    st.just(VERSION),
    st.text(min_size=1, max_size=255),
    st.integers(0, 2**64 - 1),
    FLOAT,
    FLOAT,
    st.lists(COUNTER_ROWS, max_size=3),
    st.lists(SAMPLE_ROWS, max_size=3),
    st.lists(SAMPLE_ROWS, max_size=3),
)
BATCH = Batch(
    VERSION,
    "web1-4711",
    7,
    1_700_000_000.0,
    1_700_000_001.0,
    [CounterRow("hits", "info", None, {}, 3, 3.0)],
    [SampleRow("db.query", "debug", "web1", {"table": "users"}, struct.pack("<2d", 0.25, 0.5))],
    [SampleRow("queue", "warning", None, {}, struct.pack("<d", 12.0))],
)
FRAME = encode(BATCH)
RAW: list[Any] = msgspec.msgpack.decode(FRAME)
AN_ARRAY_OF_ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=300)
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


def block(name: str) -> str:
    """Return what the code block `name` of docs/reference/protocol.rst holds."""
    block = re.search(rf"   :name: {name}\n\n((?:    .*\n|\n)+)", PROTOCOL)
    assert block, name
    return re.sub(r"^    ", "", block[1], flags=re.M).strip()


def rejected(frame: bytes) -> dict[str, int]:
    """Return the reasons why `frame` is rejected; nothing of it may come through."""
    decoded = decode(frame, NOW)
    assert not decoded.batches
    return dict(decoded.rejected)


# What the tables of docs/reference/protocol.rst allow, in another form than in the code.


def is_batch(raw: Any) -> bool:
    return (
        type(raw) is list
        and 5 <= len(raw) <= 8
        and type(raw[0]) is int
        and raw[0] == 1
        and type(raw[1]) is str
        and 1 <= len(raw[1]) <= 255
        and type(raw[2]) is int
        and raw[2] >= 0
        and is_number(raw[3])
        and is_number(raw[4])
        and all(type(rows) is list for rows in raw[5:])
        and all(is_counter_row(row) for rows in raw[5:6] for row in rows)
        and all(is_sample_row(row) for rows in raw[6:] for row in rows)
    )


def is_number(raw: Any) -> bool:
    return type(raw) in (int, float)


def is_identity(raw: Any) -> bool:
    return (
        type(raw[0]) is str
        and type(raw[1]) is str
        and type(raw[2]) in (str, type(None))
        and type(raw[3]) is dict
        and all(type(text) is str for pair in raw[3].items() for text in pair)
    )


def is_counter_row(raw: Any) -> bool:
    return (
        type(raw) is list
        and len(raw) == 6
        and is_identity(raw)
        and type(raw[4]) is int
        and is_number(raw[5])
    )


def is_sample_row(raw: Any) -> bool:
    return type(raw) is list and len(raw) == 5 and is_identity(raw) and type(raw[4]) is bytes


def read_number(text: str) -> float | None:
    if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        return float(text) if isfinite(float(text)) else None
    return None


def read_line(line: str) -> str | tuple[tuple[Any, ...], float] | None:
    """Return why a line is rejected, or its identity and value, or None if it is blank."""
    fields = [field.strip(BLANK) for field in line.split("|")]
    if fields == [""]:
        return None
    if not 4 <= len(fields) <= 6:
        return "fields"
    level, mtype, name, value, stamp, source = [*fields, "", ""][:6]
    number = read_number(value)
    if number is None:
        return "value"
    if mtype.lower() not in ("counter", "timer", "gauge"):
        return "mtype"
    when = read_number(stamp) if stamp else NOW
    if when is None:
        return "timestamp"
    return (mtype.lower(), level or "info", name, source or None, when), number


def read_text(text: str) -> tuple[dict[tuple[Any, ...], list[float]], Counter[str]]:
    """Return the values of each identity in their order, and the reasons of rejections."""
    values: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    reasons: Counter[str] = Counter()
    for outcome in map(read_line, text.split("\n")):
        if isinstance(outcome, str):
            reasons[outcome] += 1
        elif outcome is not None:
            values[outcome[0]].append(outcome[1])
    return dict(values), reasons


def contents(decoded: Decoded) -> dict[tuple[Any, ...], list[float]]:
    """Return what decoded lines hold, as `read_text` does; a counter is its count and sum."""
    series: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for batch in decoded.batches:
        assert batch.start == batch.end
        when = batch.start
        for row in batch.counters:
            assert not row.tags
            counted = series.setdefault(("counter", row.level, row.name, row.source, when), [0, 0])
            counted[0] += row.count
            counted[1] += row.sum
        for kind, rows in (("timer", batch.timers), ("gauge", batch.gauges)):
            for samples in rows:
                assert not samples.tags
                identity = (kind, samples.level, samples.name, samples.source, when)
                series[identity] += unpack(samples.samples)
    return dict(series)


def check_text(text: str) -> None:
    values, reasons = read_text(text)
    if not values and not reasons:
        reasons["empty"] = 1
    decoded = decode(text.encode(), NOW)
    assert decoded.rejected == reasons
    assert set(decoded.rejected) <= {*LINE_REASONS, "empty"}
    series = contents(decoded)
    assert series.keys() == values.keys()
    for identity, numbers in values.items():
        if identity[0] == "counter":
            count, total = series[identity]
            assert count == len(numbers)
            assert isfinite(total)
            size = sum(abs(Fraction(number)) for number in numbers)
            if size <= sys.float_info.max:
                assert abs(Fraction(total) - sum(map(Fraction, numbers))) <= size / 10**9
        else:  # their order may change where one identity is spelt in two ways
            assert sorted(series[identity]) == sorted(numbers)


def with_floats(raw: Any) -> Any:
    """Return `raw` with each integer as the float that it may stand for."""
    if type(raw) is list:
        return [with_floats(item) for item in raw]
    return float(raw) if type(raw) is int else raw


def check_bytes(frame: bytes) -> None:
    """Assert that `frame` comes through just where the tables allow it, and never raises."""
    if frame[:1] < b"\x80":
        try:
            text = frame.decode()
        except UnicodeDecodeError:
            assert rejected(frame) == {"encoding": 1}
        else:
            check_text(text)
        return
    try:
        raw = msgspec.msgpack.decode(frame)
    except Exception:
        assert sum(rejected(frame).values()) == 1
        assert rejected(frame).keys() <= set(FRAME_REASONS)
        return
    if is_batch(raw):
        decoded = decode(frame, NOW)
        assert not decoded.rejected
        (batch,) = decoded.batches
        again = msgspec.msgpack.decode(encode(batch))
        assert repr(with_floats(again[: len(raw)])) == repr(with_floats(raw))
    elif isinstance(raw, list) and raw and type(raw[0]) is int and raw[0] != VERSION:
        assert rejected(frame) == {"version": 1}
    else:
        assert rejected(frame) == {"malformed": 1}


# Batches.


@settings(deadline=None)
@given(BATCHES)
def test_a_batch_comes_out_as_it_went_in(batch: Batch) -> None:
    decoded = decode(encode(batch), NOW)
    assert decoded.batches == (batch,)
    assert not decoded.rejected


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
    assert decode(header + one + FRAME[2:], NOW).batches == (BATCH,)


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
        [*RAW, None],
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
        (batch,) = decode(msgspec.msgpack.encode(RAW[:length]), NOW).batches
        assert list(batch.counters) == list(BATCH.counters if length > 5 else ())
        assert list(batch.timers) == list(BATCH.timers if length > 6 else ())
        assert not batch.gauges


def test_text_that_is_no_utf8_is_named_as_such() -> None:
    assert rejected(b"info|counter|\xff|1") == {"encoding": 1}
    assert rejected(FRAME.replace(b"hits", b"hi\xff\xfe")) == {"encoding": 1}
    surrogate = "\ud800".encode("utf-8", "surrogatepass")
    assert rejected(b"info|counter|" + surrogate + b"|1") == {"encoding": 1}
    assert rejected(FRAME.replace(b"hits", surrogate + b"s")) == {"encoding": 1}


@pytest.mark.parametrize("depth", [10, 1_000, 1_000_000])
@pytest.mark.parametrize("at", range(9))
def test_no_depth_of_nesting_raises(depth: int, at: int) -> None:
    elements = [msgspec.msgpack.encode(element) for element in RAW]
    elements[at:at] = [b"\x91" * depth + b"\x01"]
    frame = b"\xdc\0" + bytes([len(elements)]) + b"".join(elements)
    assert rejected(frame) == {"malformed": 1}
    assert rejected(b"\x98\x01" + b"\x91" * depth) == {"malformed": 1}


@pytest.mark.parametrize("header", [b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff"])
def test_lengths_that_are_not_there_take_no_memory(header: bytes) -> None:
    assert rejected(b"\x98\x01\xa1c\x01\x01\x01" + header) == {"malformed": 1}
    assert rejected(header) == {"malformed": 1}


def test_the_size_of_a_frame_is_bounded() -> None:
    line = b"info|counter|hits|1\n"
    longest = line * (MAX_FRAME // len(line)) + b" " * (MAX_FRAME % len(line))
    assert len(longest) == MAX_FRAME
    assert decode(longest, NOW).batches[0].counters[0].count == MAX_FRAME // len(line)
    assert rejected(longest + b"\n") == {"size": 1}
    assert rejected(b"\x98" + bytes(MAX_FRAME)) == {"size": 1}


# Anything.


@settings(deadline=None)
@given(st.binary(max_size=200))
@example(b"")
@example(b"\n \r\n")
@example(b"\x80")
@example(b"\xc1")
@example(b"\xef\xbb\xbfinfo|counter|hits|1")
def test_arbitrary_bytes_never_raise(frame: bytes) -> None:
    check_bytes(frame)


@settings(deadline=None)
@given(st.binary(max_size=100), st.sampled_from([1, 2, 12, 13, 40]))
def test_arbitrary_ends_of_a_batch_never_raise(end: bytes, length: int) -> None:
    check_bytes(FRAME[:length] + end)


@settings(deadline=None)
@given(BATCHES, st.data())
def test_mutated_batches_come_through_only_where_they_are_allowed(
    batch: Batch, data: st.DataObject
) -> None:
    frame = bytearray(encode(batch))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(frame)))
        end = data.draw(st.integers(start, min(len(frame), start + 4)))
        frame[start:end] = data.draw(st.binary(max_size=4))
    check_bytes(bytes(frame))


@settings(deadline=None)
@given(st.data())
def test_batches_with_anything_in_any_place_come_through_only_where_they_are_allowed(
    data: st.DataObject,
) -> None:
    raw: Any = msgspec.msgpack.decode(FRAME)
    place = raw
    while True:
        index = data.draw(st.integers(0, len(place) - 1))
        if not (isinstance(place[index], list) and place[index] and data.draw(st.booleans())):
            break
        place = place[index]
    place[index : index + data.draw(st.integers(0, 1))] = [data.draw(AN_ARRAY_OF_ANY)]
    check_bytes(msgspec.msgpack.encode(raw))


# Text.


@settings(deadline=None)
@given(st.text(max_size=100))
def test_arbitrary_text_never_raises(text: str) -> None:
    check_bytes(text.encode())


GOOD_NUMBERS = ("1", " 2.5\t", "-3", "+.5", "5.", "1e3", "1E-3", "1e-999", "1e308")
BAD_NUMBERS = ("", ".", "e", "1e", "0x1", "1_0", "nan", "inf", "-Infinity", "1e999", "-1e999")
ODD_NUMBERS = ("٣", "½", "1\x1c", "1\x85", "1,5", "1 2", "--1")
NUMBERS = st.sampled_from((*GOOD_NUMBERS, *BAD_NUMBERS, *ODD_NUMBERS)) | st.floats().map(str)
FIELDS = st.tuples(
    st.sampled_from(["info", "", " debug ", "1", "x|y", "\N{SNOWMAN}"]),
    st.sampled_from(["counter", "timer", "gauge", "GAUGE ", "set", "", "c"]),
    st.sampled_from(["hits", "", " hits", "\u3000", "a b", "x" * 300]),
    NUMBERS,
    NUMBERS,
    st.sampled_from(["web1", "", " ", "web1\r"]),
    st.just("surplus"),
)
LINES = st.tuples(FIELDS, st.integers(1, 7) | st.just(4)).map(lambda drawn: drawn[0][: drawn[1]])


@settings(deadline=None)
@given(st.lists(LINES.map("|".join) | st.sampled_from(["", "  ", "\r"]), max_size=12))
@example(["x|counter|hits|1e308"] * 3)
@example(["", "x|counter|hits|1e308", "x|counter| hits|1e308"])
def test_lines_come_through_only_where_they_are_allowed(lines: list[str]) -> None:
    text = "info" + "\n".join(lines) if lines else ""
    check_text(text)


@pytest.mark.parametrize("number", GOOD_NUMBERS)
def test_a_decimal_number_is_a_value(number: str) -> None:
    rows = contents(decode(f"info|timer|a|{number}".encode(), NOW))
    assert rows == {("timer", "info", "a", None, NOW): [float(number)]}


@pytest.mark.parametrize("number", [*BAD_NUMBERS, *ODD_NUMBERS])
def test_what_is_no_decimal_number_is_none(number: str) -> None:
    assert rejected(f"info|timer|a|{number}".encode()) == {"value": 1}
    if number:
        assert rejected(f"info|timer|a|1|{number}".encode()) == {"timestamp": 1}


def test_values_of_one_series_stay_in_order_and_share_a_row() -> None:
    frame = b"info|gauge|depth|1\ninfo|gauge|other|5\ninfo|gauge|depth|3\ninfo|gauge|depth|2"
    (batch,) = decode(frame, NOW).batches
    assert [(row.name, unpack(row.samples).tolist()) for row in batch.gauges] == [
        ("depth", [1.0, 3.0, 2.0]),
        ("other", [5.0]),
    ]


def test_a_bad_line_does_not_take_the_others_with_it() -> None:
    frame = "info|counter|hits|1\nnonsense\ninfo|counter|hits|2\ninfo|x|hits|1\ninfo|x|hits|2"
    decoded = decode(frame.encode(), NOW)
    assert decoded.rejected == {"fields": 1, "mtype": 2}
    assert contents(decoded) == {("counter", "info", "hits", None, NOW): [2, 3]}


def test_the_sum_of_lines_stays_finite() -> None:
    (batch,) = decode(b"info|counter|hits|1e308\n" * 20, NOW).batches
    assert batch.counters[0].count == 20
    assert isfinite(batch.counters[0].sum)


def test_lines_that_spell_one_series_in_two_ways_share_a_row() -> None:
    frame = b"info|counter|hits|1e308\ninfo|COUNTER| hits |1e308\n|counter|hits|1e308"
    (batch,) = decode(frame, NOW).batches
    (row,) = batch.counters
    assert (row.count, row.sum) == (3, sys.float_info.max)


# The examples of docs/reference/protocol.rst.


def test_the_documented_lines_mean_what_the_document_says() -> None:
    lines = block("lines").splitlines()
    meanings = json.loads(block("lines-meaning"))
    assert len(lines) == len(meanings) > 0
    for line, meaning in zip(lines, meanings, strict=True):
        decoded = decode(line.encode(), NOW)
        assert not decoded.rejected
        when = meaning["time"] or NOW
        identity = (meaning["mtype"], meaning["level"], meaning["name"], meaning["source"], when)
        counted = [1, meaning["value"]] if meaning["mtype"] == "counter" else [meaning["value"]]
        assert contents(decoded) == {identity: counted}
    together = decode(block("lines").encode(), NOW)
    assert not together.rejected
    assert contents(together)["counter", "info", "hits", None, NOW] == [2, 2]
    assert [batch.start for batch in together.batches] == [NOW, 1715680800.5, 1715680800]


def test_the_documented_bad_lines_are_rejected_for_the_documented_reasons() -> None:
    examples = re.findall(r"^``(\w+)`` .*``(.+)``$", LINE_TABLE, re.M)
    assert [reason for reason, _ in examples] == LINE_REASONS
    for reason, line in examples:
        assert rejected(line.encode()) == {reason: 1}


def test_the_documented_dump_is_the_documented_batch() -> None:
    lines = block("batch-hex").splitlines()
    parts = [re.fullmatch(r"([0-9a-f]{8})  ([0-9a-f ]{47})  \|(.+)\|", line) for line in lines]
    frame = b"".join(bytes.fromhex(part[2]) for part in parts if part)
    assert [int(part[1], 16) for part in parts if part] == list(range(0, len(frame), 16))
    printable = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in frame)
    assert "".join(part[3] for part in parts if part) == printable
    assert f"frame of {len(frame)} bytes" in PROTOCOL
    (batch,) = decode(frame, NOW).batches
    assert encode(batch) == frame
    raw = msgspec.msgpack.decode(frame)
    for row in (*raw[6], *raw[7]):
        row[4] = list(struct.unpack(f"<{len(row[4]) // 8}d", row[4]))
    assert raw == json.loads(block("batch"))


def test_the_document_names_just_the_reasons_there_are() -> None:
    assert LINE_REASONS == ["fields", "value", "mtype", "timestamp"]
    assert FRAME_REASONS == ["empty", "size", "encoding", "version", "malformed"]
    assert f"{MAX_FRAME:,} bytes" in PROTOCOL
    assert f"wire protocol, version {VERSION}" in PROTOCOL
