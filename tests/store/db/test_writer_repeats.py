"""Snapshots that are delivered again are taken once."""

from __future__ import annotations

import pytest

from tests.store.db.store_file import T0, C, File, snapshot
from zibrato.files import repeats
from zibrato.model import Identity

FIRST, SECOND = Identity("run", 1), Identity("run", 2)


def test_knows_how_far_each_run_came(file: File) -> None:
    connection = file.writer.connection
    assert repeats.unknown(connection, [FIRST, None]) == [True, True]
    file.writer.add_snapshots(snapshot(T0, 1.0), identities=[FIRST])
    assert repeats.unknown(connection, [FIRST, SECOND, None]) == [False, True, True]
    assert repeats.unknown(connection, [Identity("another", 1)]) == [True]


def test_is_noted_in_the_transaction_that_adds_the_points(
    file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(repeats, "note", fail)
        with pytest.raises(OSError, match="killed"):
            file.writer.add_snapshots(snapshot(T0, 1.0), identities=[FIRST])
    assert file.count("point") == file.count("delivered") == 0
    file.writer.add_snapshots(snapshot(T0, 1.0), identities=[FIRST])
    assert file.total(C, T0, T0 + 10, T0 + 10, 10).sum == 1.0
    assert file.count("delivered") == 1


def test_only_so_many_runs_are_remembered(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "MAX_RUNS", 2)
    for name in ("a", "b", "a", "c"):
        file.writer.add_snapshots(identities=[Identity(name, 1)])
    runs = [Identity(name, 1) for name in ("a", "b", "c")]
    assert repeats.unknown(file.writer.connection, runs) == [False, True, False]


def test_a_run_of_many_snapshots_leaves_the_others_remembered(file: File) -> None:
    file.writer.add_snapshots(identities=[FIRST])
    for sequence in range(1, repeats.MAX_RUNS + 2):
        file.writer.add_snapshots(identities=[Identity("long", sequence)])
    file.writer.add_snapshots(identities=[Identity("last", 1)])
    assert repeats.unknown(file.writer.connection, [FIRST, SECOND]) == [False, True]


def test_an_older_snapshot_takes_nothing_back(file: File) -> None:
    file.writer.add_snapshots(identities=[SECOND, FIRST])
    assert repeats.unknown(file.writer.connection, [SECOND]) == [False]
