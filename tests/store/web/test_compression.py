"""Who gets a compressed response."""

from __future__ import annotations

import gzip

import pytest

from zibrato.store.web.compression import MIN_SIZE, accepts_gzip, whole


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        (None, False),
        (b"", False),
        (b"gzip", True),
        (b"gzip, deflate, br, zstd", True),
        (b"br;q=1.0, GZIP ; q=0.8", True),
        (b"*", True),
        (b"identity, *;q=0", False),
        (b"gzip;q=0", False),
        (b"gzip;q=0, *", False),
        (b"gzip;q=0.000", False),
        (b"gzip;q=x", False),
        (b"br", False),
        (b"\xff", False),
    ],
)
def test_a_client_says_what_it_takes(header: bytes | None, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


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
