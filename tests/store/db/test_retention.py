"""What is deleted: what is past its time, and the oldest of a file that is full."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.store.db.store_file import HUGE, T0, TIERS, File
from zibrato.model import Summary
from zibrato.store.db import retention
from zibrato.store.db.codec import counter_row
from zibrato.store.db.keys import key
from zibrato.store.db.points import add_rows
from zibrato.store.db.retention import evict, evict_when_nearly_full, is_full, prune
from zibrato.store.db.schema import PAGE, open_for_writing

ROW = counter_row(Summary(1, 1.0))


def add_chunks(connection: sqlite3.Connection, *places: tuple[int, int, int]) -> None:
    connection.executemany(
        "INSERT INTO chunk VALUES (?, ?)", [(key(*place), b"chunk") for place in places]
    )


def keys(connection: sqlite3.Connection, table: str) -> list[int]:
    return [row_key for (row_key,) in connection.execute(f"SELECT key FROM {table}")]  # noqa: S608 - all ours


def test_a_block_is_pruned_when_all_of_it_is_past_its_time(file: File) -> None:
    connection = file.writer.connection
    add_chunks(connection, (0, T0, 1), (0, T0, 2), (0, T0 + 1200, 1))
    past = T0 + TIERS[0].span + TIERS[0].keep
    assert not prune(connection, TIERS, past)
    assert prune(connection, TIERS, past + 1)
    assert keys(connection, "chunk") == [key(0, T0 + 1200, 1)]
    assert not prune(connection, TIERS, past + 1)


def test_each_tier_has_its_own_time(file: File) -> None:
    connection = file.writer.connection
    add_chunks(connection, (0, T0, 1), (1, T0, 1), (2, T0, 1))
    now = T0 + TIERS[1].span + TIERS[1].keep + 1
    while prune(connection, TIERS, now):
        pass
    assert keys(connection, "chunk") == [key(2, T0, 1)]


def test_the_oldest_block_of_the_finest_tier_is_evicted_first(file: File) -> None:
    connection = file.writer.connection
    places = [(1, T0 - 9600, 1), (0, T0 + 1200, 1), (0, T0, 2), (0, T0, 1)]
    add_chunks(connection, *places)
    add_rows(connection, [(key(0, T0 + 3600, 1), *ROW)])
    assert evict(connection, len(TIERS))
    assert keys(connection, "chunk") == sorted(key(*place) for place in places[:2])
    assert evict(connection, len(TIERS))
    assert keys(connection, "chunk") == [key(*places[0])]
    assert evict(connection, len(TIERS))
    assert keys(connection, "chunk") == []
    assert len(keys(connection, "point")) == 1


def test_without_chunks_the_oldest_rows_are_evicted(file: File) -> None:
    connection = file.writer.connection
    add_rows(connection, [(key(0, *place), *ROW) for place in ((T0, 1), (T0, 9), (T0 + 10, 1))])
    assert evict(connection, len(TIERS))
    assert keys(connection, "point") == [key(0, T0 + 10, 1)]
    assert evict(connection, len(TIERS))
    assert not evict(connection, len(TIERS))


def test_then_those_of_the_coarser_tiers(file: File) -> None:
    connection = file.writer.connection
    places = [(0, T0 + 60, 1), (1, T0, 1), (1, T0 + 60, 1), (4, T0, 1)]
    add_rows(connection, [(key(*place), *ROW) for place in places])
    for left in range(len(places) - 1, -1, -1):
        assert evict(connection, len(TIERS))
        assert {*keys(connection, "point")} == {
            key(*place) for place in places[len(places) - left :]
        }
    assert not evict(connection, len(TIERS))


def pages(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA page_count").fetchone()[0])


def test_a_file_is_full_if_it_is_near_its_bound_or_the_disk_is_not(
    file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = file.writer.connection
    for free, full in ((2 * HUGE, True), (HUGE, False), (0, False)):
        disk = SimpleNamespace(free=free)
        monkeypatch.setattr(retention, "disk_usage", lambda _path, disk=disk: disk)
        assert is_full(connection, HUGE) == full
    room = (pages(connection) + 16) * PAGE
    assert is_full(connection, room)
    assert not is_full(connection, room + 1)


@pytest.mark.parametrize(("share", "evicted"), [(0.85, False), (0.95, True)])
def test_it_is_evicted_from_at_nine_tenths(tmp_path: Path, share: float, evicted: bool) -> None:
    connection = open_for_writing(tmp_path / "s", 1 << 20)
    start = T0
    while pages(connection) < share * 256:
        connection.execute("INSERT INTO chunk VALUES (?, ?)", (key(0, start), bytes(3000)))
        start += 1200
    before = len(keys(connection, "chunk"))
    assert evict_when_nearly_full(connection, len(TIERS)) == evicted
    assert len(keys(connection, "chunk")) == before - evicted
    connection.close()


def test_pages_that_are_free_do_not_count(tmp_path: Path) -> None:
    connection = open_for_writing(tmp_path / "s", 1 << 20)
    add_chunks(connection, (0, T0, 1))
    connection.execute("INSERT INTO chunk VALUES (1, ?)", (bytes(960_000),))
    connection.execute("DELETE FROM chunk WHERE key = 1")
    assert pages(connection) > 0.95 * 256
    assert not evict_when_nearly_full(connection, len(TIERS))
    connection.close()
