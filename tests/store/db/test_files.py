"""Which file the store has, and whether it can be had."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from zibrato.store.db.files import check_usable, default_path, lock

STEPS = (1, 60)


def test_where_the_file_is_by_default() -> None:
    assert default_path({"STATE_DIRECTORY": "/var/lib/z"}) == Path("/var/lib/z/zibrato.sqlite")
    assert default_path({"XDG_STATE_HOME": "/x"}) == Path("/x/zibrato/zibrato.sqlite")
    assert default_path({}) == Path.home() / ".local/state/zibrato/zibrato.sqlite"


def test_the_check_makes_the_directory_and_names_what_is_wrong(tmp_path: Path) -> None:
    check_usable(tmp_path / "a" / "b" / "s", STEPS)
    assert (tmp_path / "a" / "b").is_dir()
    with pytest.raises(ValueError, match="got the directory"):
        check_usable(tmp_path, STEPS)
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="can't have"):
        check_usable(tmp_path / "file" / "s", STEPS)


def test_a_file_has_one_daemon(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with closing(lock(path)), pytest.raises(ValueError, match="another daemon has it"):
        check_usable(path, STEPS)
    check_usable(path, STEPS)


def test_a_check_leaves_a_file_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_bytes(b"")
    check_usable(path, STEPS)
    assert path.read_bytes() == b""
