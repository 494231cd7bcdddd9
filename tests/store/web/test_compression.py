"""Who gets a compressed response."""

from __future__ import annotations

import gzip

import pytest

from zibrato.store.web.compression import accepts_gzip, compressed


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


def test_what_is_compressed_is_all_there() -> None:
    body = b"[1,2,3]" * 1000
    assert gzip.decompress(compressed(body)) == body
    assert len(compressed(body)) < len(body) / 10
