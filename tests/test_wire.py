"""Both wire forms: round trips, whatever bytes come, and the examples of docs/protocol.rst."""

import json
import re
import struct
from array import array
from collections import Counter
from collections.abc import Sequence
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

NOW = 1_700_000_000.0
PROTOCOL = (Path(__file__).parent.parent / "docs" / "protocol.rst").read_text(encoding="utf-8")

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FLOAT = st.floats(allow_nan=False)
TAGS = st.dictionaries(TEXT, TEXT, max_size=3)
COUNTER_ROWS = st.builds(
    CounterRow,
    TEXT,
    TEXT,
    st.none() | TEXT,
    TAGS,
    st.integers(-(2**63), 2**64 - 1),
    FLOAT,
)
SAMPLE_ROWS = st.builds(
    SampleRow, TEXT, TEXT, st.none() | TEXT, TAGS, st.binary(max_size=40)
)
BATCHES = st.builds(
    Batch,
    st.just(VERSION),
    TEXT.filter(bool),
    st.integers(0, 2**64 - 1),
    FLOAT,
    FLOAT,
    st.lists(COUNTER_ROWS, max_size=3),
    st.lists(SAMPLE_ROWS, max_size=3),
    st.lists(SAMPLE_ROWS, max_size=3),
)
EXAMPLE = Batch(
    VERSION,
    "web1-4711",
    7,
    NOW,
    NOW + 1,
    [CounterRow("hits", "info", None, {}, 3, 3.0)],
    [SampleRow("db.query", "debug", "web1", {"table": "users"}, struct.pack("<2d", 0.25, 0.5))],
    [SampleRow("queue", "warning", None, {}, struct.pack("<d", 12.0))],
)
FRAME = encode(EXAMPLE)


def block(name: str) -> str:
    """Return the contents of the code block `name` of docs/protocol.rst."""
    found = re.search(rf"   :name: {name}\n\n((?:    .*\n|\n)+)", PROTOCOL)
    assert found, name
    return re.sub(r"^    ", "", found[1], flags=re.M)


def table(after: str) -> list[list[str]]:
    """Return the cells of the rows of the first simple table of docs/protocol.rst `after` a text."""
    _, _, rest = PROTOCOL.partition(after)
    ruler, _, body, *_ = re.split(r"^(=+(?: +=+)+)\n", rest, maxsplit=3, flags=re.M)[1::1][::1], *()
    raise NotImplementedError


