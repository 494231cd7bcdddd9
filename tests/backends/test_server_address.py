"""Which addresses of servers a setting may have."""

from __future__ import annotations

import pytest

from zibrato.backends.server_address import ServerAddress


@pytest.mark.parametrize(
    ("text", "expected", "shown"),
    [
        ("graphite.example.com", ("graphite.example.com", 2003), "graphite.example.com:2003"),
        (" 127.0.0.1:99 ", ("127.0.0.1", 99), "127.0.0.1:99"),
        ("[::1]:99", ("::1", 99), "[::1]:99"),
        ("[::1]", ("::1", 2003), "[::1]:2003"),
    ],
)
def test_a_host_and_maybe_a_port(text: str, expected: tuple[str, int], shown: str) -> None:
    address = ServerAddress.parse(text, 2003)
    assert address == expected
    assert str(address) == shown


@pytest.mark.parametrize(
    "text", ["", "::1", "http://host", "host:", "host:0x1", "host:65536", "host:0", "a b", "u@h"]
)
def test_anything_else_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="address: expected HOST or HOST:PORT, got"):
        ServerAddress.parse(text, 2003)
