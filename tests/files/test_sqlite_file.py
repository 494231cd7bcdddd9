"""Files of SQLite: private, changed as a whole, set aside as a whole."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from zibrato.files.sqlite_file import (
    FileIdentity,
    UnusableFileError,
    connect,
    has_tables_of,
    is_corrupt,
    make_private,
    quarantine,
    transaction,
    write_back,
)


def test_is_its_owners_alone_from_the_start(tmp_path: Path) -> None:
    path, log = tmp_path / "f", tmp_path / "f-wal"
    log.touch(0o666)
    make_private(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert log.stat().st_mode & 0o077 == 0


def test_a_file_says_whose_it_is(tmp_path: Path) -> None:
    path = tmp_path / "f"
    with closing(connect(path)) as connection:
        assert not has_tables_of(connection, 7, 1, path)
        connection.executescript("CREATE TABLE t (a); PRAGMA application_id = 7")
        assert has_tables_of(connection, 7, 1, path)
        with pytest.raises(UnusableFileError, match=f"{path} is another program's database"):
            has_tables_of(connection, 8, 1, path)
        connection.execute("PRAGMA user_version = 2")
        with pytest.raises(UnusableFileError, match=f"{path} is of version 2, written by a newer"):
            has_tables_of(connection, 7, 1, path)


def test_what_is_in_the_log_is_written_back(tmp_path: Path) -> None:
    path = tmp_path / "f"
    with closing(connect(path)) as connection, closing(connect(path)) as other:
        connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (a)")
        assert Path(f"{path}-wal").stat().st_size > 0
        other.execute("SELECT * FROM t").fetchall()
        write_back(connection)
        assert Path(f"{path}-wal").stat().st_size == 0


def test_a_transaction_is_all_or_nothing() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (a UNIQUE)")
        with transaction(connection):
            connection.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(sqlite3.IntegrityError), transaction(connection):
            connection.execute("INSERT INTO t VALUES (2)")
            connection.execute("INSERT INTO t VALUES (1)")
        assert connection.execute("SELECT a FROM t").fetchall() == [(1,)]


def test_what_is_no_database_is_told_from_what_fails(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"no database, but long enough to be one" * 100)
    with closing(sqlite3.connect(path)) as connection:
        with pytest.raises(sqlite3.DatabaseError) as raised:
            connection.execute("SELECT * FROM sqlite_master")
        assert is_corrupt(raised.value)
        assert not is_corrupt(sqlite3.OperationalError("database or disk is full"))


def test_what_is_set_aside_takes_its_log_along(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"file")
    Path(f"{path}-wal").write_bytes(b"log")
    aside = quarantine(path, 1234.5)
    assert aside == tmp_path / "f.corrupt-1234"
    assert aside.read_bytes() == b"file"
    assert Path(f"{aside}-wal").read_bytes() == b"log"
    assert [part.name for part in tmp_path.iterdir() if "corrupt" not in part.name] == []


def parts(path: Path, text: str) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").write_text(text)


def test_a_file_that_is_deleted_or_replaced_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "s"
    parts(path, "one")
    for change in (lambda: path.rename(tmp_path / "t"), path.unlink):
        identity = FileIdentity(path)
        assert identity.is_there()
        change()
        assert not identity.is_there()
        parts(path, "two")
        assert not identity.is_there() or change == path.unlink  # whose inode may be used again


def test_what_lay_beside_it_is_removed_and_what_is_anothers_stays(tmp_path: Path) -> None:
    path = tmp_path / "s"
    parts(path, "one")
    identity = FileIdentity(path)
    Path(f"{path}-wal").rename(tmp_path / "wal")
    Path(f"{path}-wal").write_text("two")
    identity.remove_beside()
    assert sorted(part.name for part in tmp_path.iterdir()) == ["s", "s-wal", "wal"]
