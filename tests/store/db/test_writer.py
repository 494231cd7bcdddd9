"""The file over time: nothing is lost or doubled as rows become chunks and coarser points."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from tests.store.db.store_file import HUGE, T0, TIERS, C, File, G, T, snapshot
from zibrato.model import GAUGE, Series, Snapshot, Summary
from zibrato.store.db.schema import open_for_writing
from zibrato.store.db.writer import Writer


def test_a_day_is_the_same_at_every_resolution_and_age(file: File) -> None:
    starts = range(T0, T0 + 86400, 30)
    for start in starts:
        file.writer.add_snapshots(snapshot(start, float(start % 977)))
    values = [float(start % 977) for start in starts]
    end = T0 + 86400
    for now in (end, end + 8600, end + 30_000, end + 86400):
        file.maintain(now)
        for step in (1, 60, 900, 3600, 21600):
            counter = file.total(C, T0, end, now, step)
            assert counter == Summary(2 * len(values), sum(values))
            gauge = file.total(G, T0, end, now, step)
            squares = sum(v * v for v in values)
            assert gauge == Summary(len(values), sum(values), 0, 976, squares, values[-1])
            timer = file.total(T, T0, end, now, step)
            assert timer.count == 3 * len(values)
            assert timer.distribution is not None
            assert timer.distribution.count == timer.count
            assert abs(timer.distribution.percentile(50) - 489) < 6
    assert file.count("chunk") > 0


def test_a_late_measurement_is_merged_wherever_its_time_is_kept(file: File) -> None:
    for start in range(T0, T0 + 7200, 10):
        file.writer.add_snapshots(snapshot(start, 1.0))
    now = T0 + 86400 * 1.5
    file.maintain(now)
    before = file.count("chunk")
    file.writer.add_snapshots(snapshot(T0 + 10, 100.0))
    for _ in range(2):
        for step in (1, 60, 900, 3600):
            total = file.total(C, T0, T0 + 7200, now, step)
            assert total == Summary(2 * 721, 720 + 100.0)
        file.maintain(now)
    assert file.count("chunk") == before
    assert file.total(C, T0 + 10, T0 + 11, now, 1) == Summary(4, 101.0)
    timer = file.total(T, T0 + 10, T0 + 11, now, 1)
    assert (timer.count, timer.min, timer.max) == (6, 1, 102)


def test_one_interval_given_twice_is_merged(file: File) -> None:
    for value in (1.0, 2.0):
        file.writer.add_snapshots(snapshot(T0, value))
    timer = file.total(T, T0, T0 + 10, T0 + 10, 1)
    assert (timer.count, timer.sum, timer.min, timer.max, timer.last) == (6, 15, 1, 4, 4)
    assert timer.distribution is not None
    assert sorted(timer.distribution.samples or ()) == [1, 2, 2, 3, 3, 4]


def test_what_is_past_its_time_goes_and_what_is_coarser_stays(file: File) -> None:
    for start in range(T0, T0 + 3600, 10):
        file.writer.add_snapshots(snapshot(start, 1.0))
    for days in (1, 5, 20, 100, 400):
        now = T0 + days * 86400
        file.maintain(now)
        assert file.total(C, T0, T0 + 3600, now, 1) == Summary(720, 360.0)
    assert file.maintain(T0 + 1200 * 86400)
    assert file.count("chunk") == file.count("point") == file.count("series") == 0


def test_a_series_that_is_measured_is_kept_however_old(file: File) -> None:
    file.writer.add_snapshots(snapshot(T0, 1.0))
    later = T0 + 2000 * 86400
    file.writer.add_snapshots(snapshot(later, 1.0))
    file.maintain(later + 10)
    assert file.total(C, later, later + 10, later + 10, 1) == Summary(2, 1.0)


def test_a_failing_write_leaves_nothing(file: File) -> None:
    other = Series(GAUGE, "other", "")
    with pytest.raises(TypeError):
        file.writer.add([(C, T0, Summary(1, 1.0)), (other, T0, Summary(1, None))])  # type: ignore[arg-type]  # is to fail
    assert file.count("series") == file.count("point") == 0
    file.writer.add([(C, T0, Summary(1, 1.0))])
    assert file.total(C, T0, T0 + 1, T0, 1) == Summary(1, 1.0)


def test_the_file_stays_within_its_bound_and_loses_the_oldest_first(tmp_path: Path) -> None:
    bound = 1 << 20
    file = File(tmp_path / "small.sqlite", bound)
    chance = random.Random(1)
    many = [Series(GAUGE, f"g{i}", "") for i in range(200)]
    now = T0
    for start in range(T0, T0 + 4 * 3600, 20):
        now = start + 10
        values = [chance.random() for _ in many]
        summaries = {s: Summary(1, v, v, v, v * v, v) for s, v in zip(many, values, strict=True)}
        try:
            file.writer.add_snapshots(Snapshot(start, now, summaries))
        except sqlite3.OperationalError:
            assert file.writer.evict()
            file.writer.add_snapshots(Snapshot(start, now, summaries))
        file.maintain(now)
        assert (tmp_path / "small.sqlite").stat().st_size <= bound
    assert file.total(many[0], now - 600, now, now, 1).count == 30
    with pytest.raises(ValueError, match="not enough values"):
        file.total(many[0], T0, T0 + 600, now, 1)
    file.close()


def test_forgetting_takes_a_name_out_of_all_answers(file: File) -> None:
    file.writer.add_snapshots(snapshot(T0, 1.0))
    file.writer.delete_metrics(["NAME"])
    assert file.reader.series() == {}
    file.writer.add_snapshots(snapshot(T0 + 10, 5.0))
    assert file.total(C, T0, T0 + 100, T0 + 100, 1) == Summary(2, 5.0)
    file.maintain(T0 + 86400)
    assert file.total(C, T0, T0 + 100, T0 + 86400, 60) == Summary(2, 5.0)


def test_a_reopened_file_goes_on(file: File) -> None:
    ids = file.writer.add_snapshots(snapshot(T0, 1.0))
    again = Writer(open_for_writing(file.path, HUGE), TIERS, HUGE)
    tagged = Series(GAUGE, "näme", "", (("a", "1"), ("b", '"')), "warning")
    assert again.add_snapshots(snapshot(T0 + 10, 1.0)) == ids
    (series_id,) = again.add([(tagged, T0, Summary(1, 1.0))])
    assert file.reader.series()[series_id] == tagged
    again.connection.close()
