"""Questions to the file, whatever of it has been rolled up."""

from __future__ import annotations

import sqlite3
from collections import defaultdict

import pytest

from tests.store.db.store_file import T0, TIERS, File
from zibrato.model import COUNTER, Series, Summary
from zibrato.store.db.codec import counter_row, merged_summary
from zibrato.store.db.query import Query
from zibrato.store.db.reader import _PREFIXED, Plot, Reader

MANY = [Series(COUNTER, f"c.{number}", "") for number in range(4)]
HOURS = 4 * 3600
END = T0 + HOURS


@pytest.fixture
def ids(file: File) -> list[int]:
    """Return the ids of series that were measured for hours, at times of their own."""
    points = [
        (series, T0 + second, Summary(1, float(second)))
        for number, series in enumerate(MANY)
        for second in range(number, HOURS, 30 + 7 * number)
    ]
    kept = file.writer.add(points)
    return list(dict.fromkeys(kept))


def naive(number: int, start: int, end: int, step: int) -> dict[int, tuple[int, float]]:
    """Return count and sum of each slot of a series, worked out without a file."""
    slots: dict[int, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for second in range(number, HOURS, 30 + 7 * number):
        if start <= T0 + second < end:
            slot = (T0 + second) // step * step
            count, total = slots[slot]
            slots[slot] = count + 1, total + second
    return slots


def answered(plot: Plot, series_id: int) -> dict[int, tuple[int, float]]:
    summaries = {start: merged_summary(rows) for start, rows in plot.slots[series_id].items()}
    return {start: (summary.count, summary.sum) for start, summary in summaries.items()}


@pytest.mark.parametrize("age", [0, 8000, 9000, 30_000, 86_400])
@pytest.mark.parametrize("step", [1, 10, 60, 300, 3600])
def test_slots_are_what_was_measured(file: File, ids: list[int], age: int, step: int) -> None:
    now = END + age
    file.maintain(now)
    start, end = T0 + 3600, T0 + 3 * 3600
    plot = file.reader.slots(ids, start, end, now, step)
    assert plot.step == step
    for number, series_id in enumerate(ids):
        assert answered(plot, series_id) == naive(number, start, end, step)


def test_only_the_series_that_are_wanted_are_read(file: File, ids: list[int]) -> None:
    plot = file.reader.slots([ids[2], ids[0], ids[2], 999], T0, END, END, 3600)
    assert [*plot.slots] == [ids[2], ids[0], 999]
    assert plot.slots[999] == {}


def test_a_step_is_a_whole_number_of_the_tiers_and_slots_begin_at_it(
    file: File, ids: list[int]
) -> None:
    plot = file.reader.slots(ids, T0 + 100, END, END, 100)
    assert plot.step == 120
    assert all(start % 120 == 0 for start in plot.times())
    assert plot.times()[0] == T0  # the slot in which the start is


def test_old_times_come_from_a_coarser_tier(file: File, ids: list[int]) -> None:
    now = T0 + TIERS[0].keep + 3600 * 5
    plot = file.reader.slots(ids, T0, END, now, 1)
    assert plot.step == TIERS[1].step
    assert answered(plot, ids[1]) == naive(1, T0, END, 60)


def test_a_plot_has_about_as_many_points_as_are_wanted(file: File, ids: list[int]) -> None:
    assert file.reader.plot(ids, T0, END, END, HOURS // 10).step == 10
    assert file.reader.plot(ids, T0, END, END, HOURS // 30).step == 60  # down to half as many
    assert file.reader.plot(ids, T0, END, END, 2).step == HOURS // 2
    assert file.reader.plot(ids, T0, T0 + 1, END).step == 1


def test_rows_come_with_series_and_start_oldest_first(file: File, ids: list[int]) -> None:
    found = [*file.reader.rows(ids[:1], T0 + 30, T0 + 90, 0)]
    assert found == [
        (ids[0], T0 + 30, counter_row(Summary(1, 30.0))),
        (ids[0], T0 + 60, counter_row(Summary(1, 60.0))),
    ]


def test_an_answer_is_of_one_state(file: File, ids: list[int]) -> None:
    rows = file.reader.rows(ids[:1], T0, END, 1)
    first = next(rows)
    now = END + 86_400
    file.maintain(now)  # what was in rows moves to chunks meanwhile
    assert 1 + len([*rows]) == len(naive(0, T0, END, 1))
    assert first[1] == T0


def test_series_by_name_in_any_case_and_by_ids(file: File, ids: list[int]) -> None:
    reader = file.reader
    assert reader.series() == dict(zip(ids, MANY, strict=True))
    assert reader.series("C.1") == reader.series_by_ids([ids[1], 999]) == {ids[1]: MANY[1]}
    assert reader.series("nix") == {}


def test_a_pattern_is_looked_for_by_what_is_before_its_wildcard(
    file: File,
) -> None:
    names = ("Cpu.0", "cpu.1", "cpv", "cpu%", "ram")
    file.writer.add([(Series(COUNTER, name, ""), T0, Summary(1, 1.0)) for name in names])

    def like(pattern: str) -> list[str]:
        return sorted(series.name for _, series in file.reader.series_like(pattern))

    assert like("cpu.*") == ["Cpu.0", "cpu.1"]
    assert like("CPU*9") == ["Cpu.0", "cpu%", "cpu.1"]
    assert like("CPU.0") == ["Cpu.0"]
    assert like("cpu%*") == ["cpu%"]
    assert set(names) <= set(like("*m"))
    plan = file.reader.connection.execute("EXPLAIN QUERY PLAN " + _PREFIXED, ("c", "c")).fetchall()
    assert "series_name" in plan[0][3]


def test_times_and_merged_are_over_all_series() -> None:
    one, two = counter_row(Summary(1, 1.0)), counter_row(Summary(2, 2.0))
    plot = Plot(10, {1: {20: [one], 10: [one, two]}, 2: {20: [two], 40: [two]}})
    assert plot.times() == [10, 20, 40]
    assert plot.merged(10) == plot.merged(20) == Summary(3, 3.0)
    assert plot.merged(30) is None


def test_an_answer_ends_with_its_query(file: File, ids: list[int]) -> None:
    def rows(reader: Reader) -> Plot:
        return reader.slots(ids, T0, END, END, 1)

    ended = Query()
    ended.cancel()
    with pytest.raises(sqlite3.OperationalError, match="nobody waits"):
        file.reader.answer(rows, ended)
    assert file.reader.answer(rows, Query()).times()


def test_a_plot_ends_with_its_query(file: File, ids: list[int]) -> None:
    query = Query()
    plot = file.reader.answer(lambda reader: reader.slots(ids, T0, END, END, 1), query)
    query.cancel()
    with pytest.raises(sqlite3.OperationalError, match="nobody waits"):
        plot.merged(T0)


def test_other_errors_stay_what_they_are(file: File) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        file.reader.answer(lambda reader: reader.connection.execute("SELECT * FROM nix"), Query())
