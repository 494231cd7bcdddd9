"""Addresses of lines: what is one, and what sockets it asks for."""

from __future__ import annotations

from socket import AddressFamily, SocketKind

import pytest

from zibrato.line_address import LineAddress


@pytest.mark.parametrize(
    ("text", "address", "family"),
    [
        ("udp:8125", LineAddress("udp", "127.0.0.1", 8125), AddressFamily.AF_INET),
        ("tcp:10.1.2.3:0", LineAddress("tcp", "10.1.2.3"), AddressFamily.AF_INET),
        ("udp:[::1]:1", LineAddress("udp", "::1", 1), AddressFamily.AF_INET6),
        ("unix:/a:b", LineAddress("unix", path="/a:b"), AddressFamily.AF_UNIX),
        ("unixgram:a", LineAddress("unixgram", path="a"), AddressFamily.AF_UNIX),
    ],
)
def test_an_address_of_lines_is_read_and_written(
    text: str, address: LineAddress, family: AddressFamily
) -> None:
    assert LineAddress.parse(text) == address
    assert LineAddress.parse(str(address)) == address
    assert address.family == family
    assert (address.kind == SocketKind.SOCK_STREAM) == (address.transport in {"tcp", "unix"})
