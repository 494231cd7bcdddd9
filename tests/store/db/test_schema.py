"""Versions, and files that are none of ours."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from zibrato.files.sqlite_file import UnusableFileError, quarantine
from zibrato.store.db import schema
from zibrato.store.db.files import claim
from zibrato.store.db.schema import open_for_writing
from zibrato.store.db.tiers import parse_retention
from zibrato.store.db.writer import Writer

BOUND = 1 << 24
STEPS = (1, 60)


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_a_new_file_has_todays_version_and_a_log_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with closing(open_for_writing(path, BOUND)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert version(path) == schema.VERSION


def test_a_file_grows_no_further_than_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with closing(open_for_writing(path, 1 << 20)) as connection:
        pages = connection.execute("PRAGMA max_page_count").fetchone()[0]
        assert pages * schema.PAGE == 1 << 20
        with pytest.raises(sqlite3.OperationalError, match="full"):
            connection.execute("INSERT INTO chunk VALUES (1, ?)", (bytes(1 << 20),))


def test_an_older_file_is_migrated_step_by_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s"
    open_for_writing(path, BOUND).close()
    later = (*schema.MIGRATIONS, "ALTER TABLE metric ADD COLUMN a", "CREATE TABLE b (c)")
    monkeypatch.setattr(schema, "MIGRATIONS", later)
    monkeypatch.setattr(schema, "VERSION", len(later))
    with closing(open_for_writing(path, BOUND)) as connection:
        connection.execute("SELECT a FROM metric")
        connection.execute("SELECT c FROM b")
    assert version(path) == len(later)


def test_a_migration_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s"
    open_for_writing(path, BOUND).close()
    later = (*schema.MIGRATIONS, "CREATE TABLE b (c); SELECT nonsense")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", later)
        patch.setattr(schema, "VERSION", len(later))
        with pytest.raises(sqlite3.OperationalError):
            open_for_writing(path, BOUND)
    assert version(path) == schema.VERSION
    with closing(open_for_writing(path, BOUND)) as connection:
        assert (
            connection.execute("SELECT name FROM sqlite_master WHERE name = 'b'").fetchone() is None
        )


def test_a_newer_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(UnusableFileError, match="is of version 99, written by a newer Zibrato"):
        open_for_writing(path, BOUND)
    with pytest.raises(ValueError, match=r"can't use .* upgrade, or give another file"):
        claim(path, STEPS).close()
    assert version(path) == 99


def test_a_corrupt_file_passes_the_check_and_is_set_aside_whole(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_bytes(b"no database, but long enough to be one" * 100)
    Path(f"{path}-wal").write_bytes(b"wal")
    claim(path, STEPS).close()
    aside = quarantine(path, 1234.5)
    assert aside == tmp_path / "s.corrupt-1234"
    assert aside.read_bytes().startswith(b"no database")
    assert Path(f"{aside}-wal").read_bytes() == b"wal"
    assert not path.exists()


def test_a_file_keeps_its_resolutions_and_may_get_more(tmp_path: Path) -> None:
    path = tmp_path / "s"
    tiers = parse_retention("raw:1d,60s:2d")
    with closing(open_for_writing(path, BOUND)) as connection:
        Writer(connection, tiers, BOUND)
    claim(path, STEPS).close()
    claim(path, (1, 60, 3600)).close()
    with pytest.raises(ValueError, match="has resolutions of 1, 60 s: give retention="):
        claim(path, (1, 300)).close()


def test_a_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    umask = os.umask(0)
    try:
        with closing(open_for_writing(path, BOUND)) as connection:
            connection.execute("INSERT INTO chunk VALUES (1, '')")
            modes = {part.name: part.stat().st_mode & 0o777 for part in tmp_path.iterdir()}
    finally:
        os.umask(umask)
    assert modes == {"s": 0o600, "s-wal": 0o600, "s-shm": 0o600}
    path.chmod(0o644)
    open_for_writing(path, BOUND).close()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.attack("another program's database as the store", before="it was given tables")
def test_another_programs_database_is_never_given_tables(tmp_path: Path) -> None:
    for name, statement in (
        ("a", "CREATE TABLE bookmarks (url)"),
        ("b", "CREATE TABLE series (a)"),
        ("c", "PRAGMA application_id = 7"),
    ):
        path = tmp_path / name
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(statement)
        before = path.read_bytes()
        with pytest.raises(UnusableFileError, match="another program's database"):
            open_for_writing(path, BOUND)
        assert path.read_bytes() == before


def test_a_file_of_before_is_ours_and_says_so_from_now_on(tmp_path: Path) -> None:
    path = tmp_path / "s"
    open_for_writing(path, BOUND).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 0")
    with closing(open_for_writing(path, BOUND)) as connection:
        stored = connection.execute("PRAGMA application_id").fetchone()
        assert stored == (schema.APPLICATION,)
