"""The newest row of a series, wherever it is."""

from __future__ import annotations

from tests.store.db.store_file import T0, TIERS, File, snapshot
from zibrato.model import COUNTER, Series, Summary
from zibrato.store.db.last_rows import LastRow, last_rows
from zibrato.store.db.losses import Losses

DAY = 86400


def newest(file: File, ids: list[int], max_seeks: int = 1000) -> dict[int, LastRow]:
    rows = list(last_rows(file.reader.connection, TIERS, ids, Losses(), max_seeks))
    assert len({row.series_id for row in rows}) == len(rows)
    return {row.series_id: row for row in rows}


def written(file: File, *starts: int) -> list[int]:
    """Write intervals of three series; return the ids of these, the counter's first."""
    ids: list[int] = []
    for number, start in enumerate(starts):
        ids = list(file.writer.add_snapshots(snapshot(start, float(number))))
    return ids


def test_it_is_found_in_rows_chunks_and_coarser_tiers(file: File) -> None:
    ids = written(file, T0, T0 + 10, T0 + 25)
    for age, start in ((0, T0 + 25), (DAY, T0 + 25), (3 * DAY, T0), (20 * DAY, T0)):
        file.maintain(T0 + age)
        rows = newest(file, ids)
        assert {row.start for row in rows.values()} == {start}
        assert [rows[one].row[5] for one in ids] == [None, 4.0, 2.0]  # last, which a counter hasn't


def test_each_series_has_its_own_newest(file: File) -> None:
    (counter, *_) = written(file, T0, T0 + 600)
    (other,) = file.writer.add([(Series(COUNTER, "other", ""), T0 + 300, Summary(1, 7.0))])
    rows = newest(file, [counter, other, 999])
    assert {one: row.start for one, row in rows.items()} == {counter: T0 + 600, other: T0 + 300}
    assert rows[other].row[:2] == (1, 7.0)


def test_the_search_ends(file: File) -> None:
    ids = written(file, T0, *range(T0 + 1000, T0 + 1500, 10))
    (other,) = file.writer.add([(Series(COUNTER, "other", ""), T0 - 600, Summary(1, 7.0))])
    assert [*newest(file, [other], 40)] == []
    assert [*newest(file, [other], 60)] == [other]
    assert newest(file, ids, 0) == newest(file, []) == {}
