"""Bound sockets: names, buffers, permissions; leftovers are in test_statsd."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from zibrato.intake.line_sockets import BoundSocket
from zibrato.line_address import LineAddress


def bound(address: str) -> BoundSocket:
    return BoundSocket(LineAddress.parse(address), 0o600)


@pytest.mark.parametrize("address", ["udp:0", "tcp:0", "udp:[::1]:0"])
def test_its_name_has_the_real_port(address: str) -> None:
    made = bound(address)
    port = made.socket.getsockname()[1]
    assert made.name.endswith(f":{port}")
    assert LineAddress.parse(made.name) == LineAddress.parse(address)._replace(port=port)
    assert not made.socket.getblocking()
    made.close()
    assert made.name.endswith(f":{port}")


def test_the_buffer_of_datagrams_is_larger_than_by_default() -> None:
    made = bound("udp:0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        default = other.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    assert made.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) > default
    made.close()


def test_a_file_that_a_daemon_has_is_in_use(tmp_path: Path) -> None:
    first = bound(f"unixgram:{tmp_path}/s")
    with pytest.raises(OSError, match="Address already in use"):
        bound(f"unixgram:{tmp_path}/s")
    first.close()


def test_nothing_is_left_of_one_that_can_t_be(tmp_path: Path) -> None:
    before = os.umask(0o022)
    os.umask(before)
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        bound(f"unix:{tmp_path}/file")
    with pytest.raises(OSError, match="too long"):
        bound(f"unix:{tmp_path}/{'x' * 200}")
    assert os.umask(before) == before
    assert (tmp_path / "file").exists()
