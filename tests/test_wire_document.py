"""The examples of docs/reference/protocol.rst, and the reasons that it names."""

import json
import re
import struct

import msgspec

from tests.batches import batch_of
from tests.protocol import FRAME_REASONS, LINE_REASONS, LINE_TABLE, PROTOCOL, block
from tests.wire_rules import NOW, contents, rejected
from zibrato.daemon.aggregation.text_frame import decode_text
from zibrato.wire import MAX_FRAME, MAX_SEQUENCE, VERSION, encode


def test_the_documented_lines_mean_what_the_document_says() -> None:
    lines = block("lines").splitlines()
    meanings = json.loads(block("lines-meaning"))
    assert len(lines) == len(meanings) > 0
    for line, meaning in zip(lines, meanings, strict=True):
        decoded = decode_text(line.encode(), NOW)
        assert not decoded.rejected
        when = meaning["time"] or NOW
        identity = (meaning["mtype"], meaning["level"], meaning["name"], meaning["source"], when)
        counted = [1, meaning["value"]] if meaning["mtype"] == "counter" else [meaning["value"]]
        assert contents(decoded) == {identity: counted}
    together = decode_text(block("lines").encode(), NOW)
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
    batch = batch_of(frame)
    assert encode(batch) == frame
    raw = msgspec.msgpack.decode(frame)
    for row in (*raw[6], *raw[7]):
        row[4] = list(struct.unpack(f"<{len(row[4]) // 8}d", row[4]))
    assert raw == json.loads(block("batch"))


def test_the_document_names_just_the_reasons_there_are() -> None:
    assert LINE_REASONS == ["fields", "value", "mtype", "timestamp"]
    assert FRAME_REASONS == ["empty", "size", "encoding", "version", "malformed"]
    assert f"{MAX_FRAME:,} bytes" in PROTOCOL
    assert MAX_SEQUENCE == 2**63 - 1
    assert PROTOCOL.count(r"below 2\ :sup:`63`") == 2
    assert f"wire protocol, version {VERSION}" in PROTOCOL
