"""Files of secrets: read where they may be, and looked at for who else may."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zibrato.files.secret_file import (
    check_private,
    check_writers,
    others_may_read,
    read_credentials,
    read_secret,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "secret"
    made.write_text(" the secret\n")
    made.chmod(0o600)
    return made


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440, 0o640, 0o644])
def test_a_secret_is_what_stands_there(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert read_secret(file) == "the secret"
    assert others_may_read(file) == (mode & 0o044 != 0)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_write_is_rejected(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(ValueError, match=f"others may write to .*/secret .mode {mode:o}"):
        read_secret(file)


def test_what_can_t_be_read_is_said(file: Path, tmp_path: Path) -> None:
    file.write_bytes(b"\xff")
    for path in (file, tmp_path, tmp_path / "nothing", Path("a\0b")):
        with pytest.raises(ValueError, match="can't read "):
            read_secret(path)
    assert not others_may_read(tmp_path / "nothing")


def test_a_pipe_is_a_file_too() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"the secret\n")
    os.close(writing)
    try:
        path = Path(f"/dev/fd/{reading}")
        assert not others_may_read(path)
        assert read_secret(path) == "the secret"
    finally:
        os.close(reading)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440, 0o604, 0o610])
def test_what_is_private_nobody_else_reads(file: Path, mode: int) -> None:
    file.chmod(mode)
    if mode & 0o077:
        with pytest.raises(ValueError, match=f"others may read .*/secret .mode {mode:o}"):
            check_private(file)
    else:
        check_private(file)


def test_a_directory_is_its_owner_s_to_write(tmp_path: Path, file: Path) -> None:
    check_writers(tmp_path)
    tmp_path.chmod(0o720)
    with pytest.raises(ValueError, match=r"others may write to .* .mode 720.; chmod it to 700"):
        check_writers(tmp_path)
    tmp_path.chmod(0o700)
    with pytest.raises(ValueError, match="/secret is not a directory"):
        check_writers(file)
    for path in (tmp_path / "nothing", Path("a\0b")):
        with pytest.raises(ValueError, match="can't read "):
            check_writers(path)


@pytest.mark.parametrize("text", ["", "user", "user:", ":password", "a:b\nc:d"])
def test_credentials_are_one_line_of_both(file: Path, text: str) -> None:
    file.chmod(0o600)
    file.write_text("user:pass:word\n")
    assert read_credentials(file) == "user:pass:word"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"^expected one line of user:password in /.*/secret$"):
        read_credentials(file)
