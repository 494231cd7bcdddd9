"""Copies the store's file, even while a daemon writes to it: `zibrato backup FILE`.

The copy is complete, and shows the store at one moment. Don't use `cp` while a daemon runs: SQLite
keeps the newest measurements in a second file beside the store's.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from zibrato.commands.command_line import CommandLine
from zibrato.files.sqlite_file import UnusableFileError, make_private
from zibrato.store.db.files import default_path
from zibrato.store.db.schema import check_ours, check_version, open_for_reading


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; an error is one line on stderr, and exit status 1."""
    try:
        options = _parser().parse_args(arguments)
        backup(Path(options.store), Path(options.file))
    except (OSError, ValueError, sqlite3.Error, UnusableFileError) as error:
        raise SystemExit(f"zibrato backup: {error}") from None


def backup(store: Path, target: Path) -> None:
    """Copy the file `store` to `target`, a new file, which appears complete or not at all."""
    if not store.exists():
        raise FileNotFoundError(f"there is no {store}; name the store's file with --store PATH")
    if target.exists():
        raise FileExistsError(f"{target} is there already; name a new file")
    partial = target.with_name(f"{target.name}.partial")
    partial.unlink(missing_ok=True)
    make_private(partial)
    try:
        _copy(store, partial)
        os.link(partial, target)  # unlike a rename, a link never replaces a file
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.unlink(f"{partial}{suffix}")


def _copy(store: Path, partial: Path) -> None:
    """Copy all pages in one step, as a reading transaction, for which the writer needn't wait."""
    with (
        closing(open_for_reading(store)) as source,
        closing(sqlite3.connect(partial, isolation_level=None)) as copy,
    ):
        check_ours(source, store)
        check_version(source, store)
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # a single file; the daemon sets WAL again


def _parser() -> argparse.ArgumentParser:
    parser = CommandLine("backup", __doc__)
    parser.add_argument("file", help="the file to make; it must not exist yet")
    parser.add_argument("--store", default=str(default_path(os.environ)), help="the store's file")
    return parser


if __name__ == "__main__":
    main()
