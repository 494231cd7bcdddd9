"""Which file the store has, and whether it can be had."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from zibrato.store.db.files import claim, default_path, lock

STEPS = (1, 60)


def test_where_the_file_is_by_default() -> None:
    assert default_path({"STATE_DIRECTORY": "/var/lib/z"}) == Path("/var/lib/z/zibrato.sqlite")
    assert default_path({"XDG_STATE_HOME": "/x"}) == Path("/x/zibrato/zibrato.sqlite")
    assert default_path({}) == Path.home() / ".local/state/zibrato/zibrato.sqlite"


def test_the_check_makes_the_directory_and_names_what_is_wrong(tmp_path: Path) -> None:
    claim(tmp_path / "a" / "b" / "s", STEPS).close()
    assert (tmp_path / "a" / "b").is_dir()
    with pytest.raises(ValueError, match="got the directory"):
        claim(tmp_path, STEPS).close()
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="can't use"):
        claim(tmp_path / "file" / "s", STEPS).close()


def test_a_file_has_one_daemon(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with closing(lock(path)), pytest.raises(ValueError, match="another daemon has it"):
        claim(path, STEPS).close()
    claim(path, STEPS).close()


def test_a_check_leaves_a_file_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_bytes(b"")
    claim(path, STEPS).close()
    assert path.read_bytes() == b""


def test_the_file_is_claimed_until_the_lock_is_closed(tmp_path: Path) -> None:
    with closing(claim(tmp_path / "s", STEPS)), pytest.raises(ValueError, match="another daemon"):
        claim(tmp_path / "s", STEPS)
    claim(tmp_path / "s", STEPS).close()


@pytest.mark.attack("another program's database as the store", before="it was given tables")
def test_what_fails_the_check_is_not_claimed(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    for _ in range(2):
        with pytest.raises(ValueError, match=r"can't use .* another program's .*bookmarks"):
            claim(path, STEPS)
    lock(path).close()


def test_a_device_is_no_file() -> None:
    with pytest.raises(ValueError, match="got the device or pipe /dev/null"):
        claim(Path("/dev/null"), STEPS)
