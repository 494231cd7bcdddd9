"""What clients say that they accept."""

from __future__ import annotations

import pytest

from zibrato.accept_headers import Choice, accepts_gzip, choices


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


def test_parameters_and_weights_are_read() -> None:
    header = b'Text/Plain ; version="0.0.4" ;q=0.5, */*;Q=x,a/b'
    assert [*choices(header)] == [
        Choice("text/plain", {"version": "0.0.4"}, 0.5), Choice("*/*", {}, 0.0),
        Choice("a/b", {}, 1.0),
    ]  # fmt: skip
