"""One lock a path: within a process, between processes, and free again once its owner is gone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from zibrato.files.file_lock import FileLock

TAKE = "import sys; from zibrato.files.file_lock import FileLock; FileLock(sys.argv[1])"


def test_a_path_is_locked_once(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "file")
    with pytest.raises(BlockingIOError):
        FileLock(str(tmp_path / "file"))
    other = FileLock(tmp_path / "other")
    lock.close()
    FileLock(tmp_path / "file").close()
    other.close()


def test_another_process_is_kept_off_until_then(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TAKE, str(tmp_path / "file")]
    lock = FileLock(tmp_path / "file")
    refused = subprocess.run(command, check=False, capture_output=True, text=True)
    assert "BlockingIOError" in refused.stderr
    lock.close()
    subprocess.run(command, check=True)
    FileLock(tmp_path / "file").close()  # that process has ended without closing it


def test_a_directory_that_is_missing_is_no_lock_of_another(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FileLock(tmp_path / "missing" / "file")


def test_the_lock_is_its_owners_alone(tmp_path: Path) -> None:
    FileLock(tmp_path / "file").close()
    assert (tmp_path / "file.lock").stat().st_mode & 0o777 == 0o600
