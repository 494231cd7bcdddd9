"""Rows become chunks and points of the next tier, each exactly once."""

from __future__ import annotations

import pytest

from tests.store.db.store_file import T0, TIERS, File
from zibrato.model import COUNTER, Series, Summary
from zibrato.store.db import rollup
from zibrato.store.db.chunks import decode_points
from zibrato.store.db.codec import counter_row
from zibrato.store.db.keys import end_of, key, series_id_of, start_of
from zibrato.store.db.losses import Losses
from zibrato.store.db.rollup import coarsened, roll_up

MANY = [Series(COUNTER, f"c.{number}", "") for number in range(5)]
END = T0 + TIERS[0].span


def fill(file: File, start: int = T0) -> list[int]:
    """Measure every series once a minute for a block; return their ids."""
    points = [
        (series, time, Summary(1, 2.0))
        for time in range(start, start + TIERS[0].span, 60)
        for series in MANY
    ]
    return file.writer.add(points)[: len(MANY)]


def rows(file: File, index: int) -> list[tuple[int, int]]:
    """Return start and series id of the rows of a tier."""
    found = file.writer.connection.execute(
        "SELECT key FROM point WHERE key >= ? AND key < ?", (key(index, 0), end_of(index))
    )
    return [(start_of(row_key), series_id_of(row_key)) for (row_key,) in found]


def test_a_block_waits_for_what_may_come_late(file: File) -> None:
    ids = fill(file)
    due = END + TIERS[0].rollup_delay
    assert not roll_up(file.writer.connection, TIERS, due - 1, Losses())
    assert file.count("chunk") == 0
    assert roll_up(file.writer.connection, TIERS, due, Losses())
    assert not roll_up(file.writer.connection, TIERS, due, Losses())
    assert rows(file, 0) == []
    assert rows(file, 1) == [(t, i) for t in range(T0, END, 60) for i in ids]


def test_it_is_done_in_slices_of_series(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup, "SLICE", 40)  # two of the series, of 20 rows each
    fill(file)
    left = []
    while roll_up(file.writer.connection, TIERS, END + TIERS[0].rollup_delay, Losses()):
        left.append(len({series_id for _, series_id in rows(file, 0)}))
    assert left == [3, 1, 0]


def test_a_chunk_has_all_points_of_its_series(file: File) -> None:
    ids = fill(file)
    roll_up(file.writer.connection, TIERS, END + TIERS[0].rollup_delay, Losses())
    chunks = dict(file.writer.connection.execute("SELECT * FROM chunk"))
    assert [*chunks] == [key(0, T0, series_id) for series_id in ids]
    points = [(start, counter_row(Summary(1, 2.0))) for start in range(T0, END, 60)]
    assert all(decode_points(chunk, T0) == points for chunk in chunks.values())


def test_what_comes_late_is_merged_into_its_chunk(file: File) -> None:
    ids = fill(file)
    now = END + TIERS[0].rollup_delay
    roll_up(file.writer.connection, TIERS, now, Losses())
    file.writer.add([(MANY[0], T0 + 30, Summary(1, 1.0)), (MANY[0], T0 + 60, Summary(1, 1.0))])
    roll_up(file.writer.connection, TIERS, now, Losses())
    query = "SELECT points FROM chunk WHERE key = ?"
    ((chunk,),) = file.writer.connection.execute(query, (key(0, T0, ids[0]),))
    assert decode_points(chunk, T0)[:3] == [
        (T0, counter_row(Summary(1, 2.0))),
        (T0 + 30, counter_row(Summary(1, 1.0))),
        (T0 + 60, counter_row(Summary(2, 3.0))),
    ]


def test_rows_of_no_series_go(file: File) -> None:
    ids = fill(file)
    file.writer.connection.execute("DELETE FROM series WHERE id = ?", ids[:1])
    while roll_up(file.writer.connection, TIERS, END + TIERS[0].rollup_delay, Losses()):
        pass
    assert rows(file, 0) == []
    assert {series_id for _, series_id in rows(file, 1)} == {*ids[1:]}
    assert file.count("chunk") == len(ids) - 1


def test_the_coarsest_tier_is_compacted_alone(file: File) -> None:
    ids = fill(file)
    connection = file.writer.connection
    while roll_up(connection, TIERS[:1], END + TIERS[0].rollup_delay, Losses()):
        pass
    assert (file.count("point"), file.count("chunk")) == (0, len(ids))


def test_coarsened_points_begin_at_whole_steps() -> None:
    one, two = counter_row(Summary(1, 1.0)), counter_row(Summary(2, 2.0))
    points = [(T0 + 10, one), (T0 + 50, one), (T0 + 60, one)]
    assert coarsened(points, 60) == [(T0, two), (T0 + 60, one)]
