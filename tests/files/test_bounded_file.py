"""What may be read where a small file is expected, and that nothing else is waited for."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from zibrato.files.bounded_file import read_bounded


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_bounded(path, 5) == b"12345"
    with pytest.raises(ValueError, match=r"^it has more than 4 bytes$"):
        read_bounded(path, 4)
    with pytest.raises(FileNotFoundError):
        read_bounded(tmp_path / "nothing", 4)


def test_the_pipe_of_a_shell_is_read() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"12345")
    os.close(writing)
    try:
        assert read_bounded(f"/dev/fd/{reading}", 5) == b"12345"
    finally:
        os.close(reading)


def test_nothing_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(tmp_path / "socket"))
    bound.close()
    for path, kind in (
        (tmp_path, "a directory"),
        (tmp_path / "pipe", "a named pipe"),
        (tmp_path / "socket", "a socket"),
        (Path("/dev/zero"), "a device"),
    ):
        with pytest.raises(ValueError, match=rf"^it is {kind}, not a file$"):
            read_bounded(path, 5)
