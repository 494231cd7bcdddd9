"""The command that copies a file, whole and as of one moment."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.store.cases import START, snapshot
from zibrato.store.backup import main
from zibrato.store.db.reader import Reader
from zibrato.store.db.schema import open_for_reading, open_for_writing
from zibrato.store.db.tiers import RETENTION, parse_retention
from zibrato.store.db.writer import Writer

BOUND = 1 << 24
TIERS = parse_retention(RETENTION)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """Return the writer of a file with an interval, all of which is in what lies beside it."""
    connection = open_for_writing(tmp_path / "store", BOUND)
    writer = Writer(connection, TIERS, BOUND)
    writer.add_snapshots(snapshot(START))
    yield writer
    connection.close()


def backup(directory: Path, target: str = "copy") -> Path:
    main([str(directory / target), "--store", str(directory / "store")])
    return directory / target


def series(path: Path) -> int:
    with closing(open_for_reading(path)) as connection:
        return len(Reader(connection, TIERS).series())


def test_the_copy_is_one_file_and_whole_while_the_original_is_written(
    tmp_path: Path, writer: Writer
) -> None:
    writer.connection.execute("BEGIN IMMEDIATE")
    writer.connection.execute("DELETE FROM series")
    copy = backup(tmp_path)
    writer.connection.execute("COMMIT")
    assert sorted(part.name for part in tmp_path.glob("copy*")) == ["copy"]
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert (series(copy), series(tmp_path / "store")) == (3, 0)


def test_a_copy_is_a_store(tmp_path: Path, writer: Writer) -> None:
    copy = backup(tmp_path)
    with closing(open_for_writing(copy, BOUND)) as connection:
        Writer(connection, TIERS, BOUND).add_snapshots(snapshot(START + 10))
        assert connection.execute("SELECT count(*) FROM point").fetchone() == (6,)


def test_what_is_wrong_is_one_line_and_leaves_nothing(tmp_path: Path, writer: Writer) -> None:
    (tmp_path / "text").write_text("no database, but long enough to be one" * 100)
    with closing(sqlite3.connect(tmp_path / "foreign")) as connection:
        connection.execute("CREATE TABLE t (a)")
    for target, store, message in (
        ("store", "store", "store is there already; name a new file"),
        ("copy", "nix", "there is no .*/nix; name the store's file with --store"),
        ("nix/copy", "store", "No such file or directory"),
        ("copy", "text", "file is not a database"),
        ("copy", "foreign", "is another program's database"),
    ):
        with pytest.raises(SystemExit, match=f"^zibrato backup: .*{message}"):
            main([str(tmp_path / target), "--store", str(tmp_path / store)])
    assert not [*tmp_path.glob("copy*")]
    assert series(tmp_path / "store") == 3


def test_what_an_earlier_attempt_left_is_replaced(tmp_path: Path, writer: Writer) -> None:
    (tmp_path / "copy.partial").write_text("half")
    assert series(backup(tmp_path)) == 3


@pytest.mark.parametrize("module", ["zibrato.store.backup", "zibrato.workers.librato"])
def test_it_needs_no_twisted(module: str, tmp_path: Path, writer: Writer) -> None:
    program = (
        f"import sys; from {module} import main; sys.argv = ['zibrato', *sys.argv[1:]]; main();"
        "assert not {'twisted', 'zope.interface', 'klein'} & {*sys.modules}, sys.modules.keys()"
    )
    command = ["backup"] if module == "zibrato.workers.librato" else []
    options = (str(tmp_path / "copy"), "--store", str(tmp_path / "store"))
    subprocess.run([sys.executable, "-c", program, *command, *options], check=True)
    assert series(tmp_path / "copy") == 3
