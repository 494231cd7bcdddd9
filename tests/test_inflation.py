"""Bodies that are gzip: inflated as far as the bound, and one line where they are none."""

from __future__ import annotations

import gzip

import pytest

from zibrato.inflation import inflate, inflated_size


def test_a_gzip_is_inflated_up_to_the_bound() -> None:
    assert inflate(gzip.compress(b"a" * 1000), 1000) == b"a" * 1000
    with pytest.raises(OverflowError, match="larger than 999 bytes"):
        inflate(gzip.compress(b"a" * 1000), 999)


def test_the_size_is_known_before() -> None:
    body = gzip.compress(b"a" * 1000)
    assert inflated_size(body) == 1000
    with pytest.raises(ValueError, match="incorrect length check"):
        inflate(body[:-4] + bytes(4), 1000)


@pytest.mark.parametrize("body", [b"", b"{}", b"\x1f\x8b", gzip.compress(b"a" * 99, mtime=0)[:-9]])
def test_what_is_no_gzip_is_one_line(body: bytes) -> None:
    with pytest.raises(ValueError, match="the body is not") as caught:
        inflate(body, 1000)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("behind", [gzip.compress(b"b", mtime=0), b"b", b"\0"])
def test_what_is_behind_a_gzip_is_not_left_out_in_silence(behind: bytes) -> None:
    with pytest.raises(ValueError, match=r"^the body is more than one gzip$"):
        inflate(gzip.compress(b"a") + behind, 1)
