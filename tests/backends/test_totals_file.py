"""The file of running totals; test_totals.py has what is made of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from stat import S_IMODE

import pytest

from zibrato.backends.totals_file import PackedTotal, Total, TotalsFile
from zibrato.files import repeats
from zibrato.files.sqlite_file import UnusableFileError
from zibrato.model import COUNTER, Identity, Series, Summary

CALLS = Series(COUNTER, "calls", "here", (("route", "/a"),), "warning")
TOTAL = PackedTotal.of(Total(100.0, 110.0, 120.0, Summary(3, 4.5), is_monotonic=False))
IDENTITY = Identity("run", 1)


def test_what_comes_back_is_what_went_in(tmp_path: Path) -> None:
    file = TotalsFile(tmp_path / "totals")
    file.commit({CALLS: TOTAL}, (), [IDENTITY, None])
    file.close()
    assert S_IMODE(file.path.stat().st_mode) == 0o600
    again = TotalsFile(file.path)
    assert list(again.load()) == [(CALLS, TOTAL)]
    assert again.unknown([IDENTITY, Identity("run", 2), None]) == [False, True, True]
    again.commit({}, [CALLS], [])
    assert list(again.load()) == []
    again.close()


def test_all_is_committed_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = TotalsFile(tmp_path / "totals")

    def fail(*_: object) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(repeats, "note", fail)
        with pytest.raises(OSError, match="killed"):
            file.commit({CALLS: TOTAL}, (), [IDENTITY])
    assert list(file.load()) == []
    file.close()


def test_another_program_s_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "totals"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (x)")
    with pytest.raises(UnusableFileError, match="another program's"):
        list(TotalsFile(path).load())


def test_a_newer_version_s_file_is_left_alone(tmp_path: Path) -> None:
    file = TotalsFile(tmp_path / "totals")
    file.commit({}, (), ())
    file.close()
    with closing(sqlite3.connect(file.path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(UnusableFileError, match="newer"):
        list(TotalsFile(file.path).load())


def test_what_is_no_total_sets_the_file_aside(tmp_path: Path) -> None:
    file = TotalsFile(tmp_path / "totals")
    file.commit({CALLS: TOTAL._replace(data=b"\xc1")}, (), ())
    assert list(file.load()) == []
    assert list(tmp_path.glob("totals.corrupt-*"))
    file.close()
