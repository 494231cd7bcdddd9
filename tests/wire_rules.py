"""The rules of docs/reference/protocol.rst, independent of the code, and batches to try."""

import re
import struct
import sys
from collections import Counter, defaultdict
from fractions import Fraction
from math import isfinite
from typing import Any

import msgspec
from hypothesis import strategies as st

from tests.batches import batch_of
from tests.protocol import FRAME_REASONS, LINE_REASONS
from zibrato.daemon.aggregation.text_frame import Decoded, decode_text
from zibrato.wire import VERSION, Batch, CounterRow, SampleRow, decode_batch, encode, unpack

NOW = 1_715_680_801.25
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
    st.integers(0, 2**63 - 1),
    FLOAT,
    FLOAT,
    st.lists(COUNTER_ROWS, max_size=3),
    st.lists(SAMPLE_ROWS, max_size=3),
    st.lists(SAMPLE_ROWS, max_size=3),
    st.none() | st.integers(0, 2**63 - 1),
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


def rejected(frame: bytes) -> dict[str, int]:
    """Return the reasons why `frame` is rejected, after checking that nothing of it is accepted."""
    if frame[:1] < b"\x80" and frame:  # text starts with ASCII
        decoded = decode_text(frame, NOW)
        assert not decoded.batches
        return dict(decoded.rejected)
    reason = decode_batch(frame)
    assert isinstance(reason, str)
    return {reason: 1}


def is_batch(raw: Any) -> bool:
    return (
        type(raw) is list
        and 5 <= len(raw) <= 9
        and type(raw[0]) is int
        and raw[0] == 1
        and type(raw[1]) is str
        and 1 <= len(raw[1]) <= 255
        and type(raw[2]) is int
        and 0 <= raw[2] < 2**63
        and is_number(raw[3])
        and is_number(raw[4])
        and all(type(rows) is list for rows in raw[5:8])
        and all(is_counter_row(row) for rows in raw[5:6] for row in rows)
        and all(is_sample_row(row) for rows in raw[6:8] for row in rows)
        and all(end is None or (type(end) is int and 0 <= end < 2**63) for end in raw[8:])
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
    """Return the values of each identity, in order, and the reasons of rejections."""
    values: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    reasons: Counter[str] = Counter()
    for outcome in map(read_line, text.split("\n")):
        if isinstance(outcome, str):
            reasons[outcome] += 1
        elif outcome is not None:
            values[outcome[0]].append(outcome[1])
    return dict(values), reasons


def contents(decoded: Decoded) -> dict[tuple[Any, ...], list[float]]:
    """Return the content of decoded lines as `read_text` does; a counter's is its count and sum."""
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
    decoded = decode_text(text.encode(), NOW)
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
        else:  # the order may change if one identity is spelt in two ways
            assert sorted(series[identity]) == sorted(numbers)


def with_floats(raw: Any) -> Any:
    """Return `raw` with each integer as the float that it may represent."""
    if type(raw) is list:
        return [with_floats(item) for item in raw]
    return float(raw) if type(raw) is int else raw


def check_bytes(frame: bytes) -> None:
    """Assert that `frame` is accepted exactly if the rules allow it, and that nothing raises."""
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
        again = msgspec.msgpack.decode(encode(batch_of(frame)))
        assert repr(with_floats(again[: len(raw)])) == repr(with_floats(raw))
    elif isinstance(raw, list) and raw and type(raw[0]) is int and raw[0] != VERSION:
        assert rejected(frame) == {"version": 1}
    else:
        assert rejected(frame) == {"malformed": 1}
