"""What is compressed."""

from __future__ import annotations

import gzip

import pytest

from zibrato.store.web.compression import MIN_SIZE, whole


@pytest.mark.parametrize("size", [1, 7, MIN_SIZE - 1, MIN_SIZE, 100_000])
def test_what_is_compressed_is_all_there(size: int) -> None:
    body = (b"[1,2,3]" * 2000)[:12_000]
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    assert whole(parts, False) == (body, False)
    packed, is_packed = whole(parts, True)
    assert is_packed
    assert gzip.decompress(packed) == body
    assert len(packed) < len(body) / 10


def test_what_is_short_is_sent_as_it_is() -> None:
    assert whole([], True) == (b"", False)
    assert whole([b"[", b"]"], True) == (b"[]", False)
    assert whole([b"x" * MIN_SIZE], True)[1]
