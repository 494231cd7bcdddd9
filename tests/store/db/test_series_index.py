"""The ids of series: the same for ever, whatever of them is in memory."""

from __future__ import annotations

import tracemalloc
from collections import Counter

import pytest

from tests.store.db.store_file import HUGE, T0, TIERS, C, File
from zibrato.files.sqlite_file import transaction
from zibrato.model import COUNTER, GAUGE, Series, Summary
from zibrato.store.db import metadata
from zibrato.store.db.losses import EVICTED, Losses
from zibrato.store.db.series_bounds import SeriesTotal
from zibrato.store.db.series_index import SEEN, SeriesIndex, series_from, tags_text
from zibrato.store.db.writer import Writer

MANY = [Series(COUNTER, f"c.{number}", "s", (("n", str(number)),)) for number in range(50)]


def index(file: File, bound: int, losses: Losses | None = None) -> SeriesIndex:
    return SeriesIndex(file.writer.connection, bound, losses or Losses())


def total(file: File) -> int:
    """Return how many bytes series count for."""
    return SeriesTotal(file.writer.connection).bytes


def ids(index: SeriesIndex, *series: Series, start: int = T0) -> list[int]:
    return index.ids([(one, start) for one in series])


def test_a_series_has_one_id_in_memory_in_the_file_and_after_a_restart(file: File) -> None:
    small = index(file, 10)
    made = ids(small, *MANY)
    assert len(set(made)) == len(MANY)
    assert ids(small, *MANY) == ids(small, *reversed(MANY))[::-1] == made
    assert ids(index(file, 100), *MANY) == made
    assert file.count("series") == len(MANY)


def test_no_part_of_what_a_series_is_tells_it_apart_less_than_another(file: File) -> None:
    series = [C, C._replace(kind=GAUGE), C._replace(name="n"), C._replace(source="t")]
    series += [C._replace(tags=(("a", "1"),)), C._replace(level="debug")]
    small = index(file, 1)
    assert len(set(ids(small, *series) + ids(small, *series))) == len(series)


def test_those_that_were_measured_last_are_in_memory(file: File) -> None:
    small = index(file, 3)
    ids(small, *MANY[:3])
    ids(small, MANY[0], MANY[3])
    asked: list[str] = []
    file.writer.connection.set_trace_callback(asked.append)
    ids(small, MANY[0], MANY[2], MANY[3])
    assert asked == []
    ids(small, MANY[1])
    assert any("SELECT" in statement for statement in asked)


def test_it_never_has_more_than_its_bound_and_counts_what_left(file: File) -> None:
    counted: Counter[tuple[str, str, str]] = Counter()

    def count(name: str, value: int, tag: str, tag_value: str) -> None:
        counted[name, tag, tag_value] += value

    small = index(file, 10, Losses(count))
    sizes = set()

    def measured() -> list[tuple[Series, int]]:
        return [(one, T0) for one in MANY]

    for pair in measured():
        small.ids([pair])
        sizes.add(len(small))
    assert max(sizes) == len(small) == 10
    assert counted == {(EVICTED, "memory", "index"): 40}


def test_series_with_many_tags_leave_less_room(file: File) -> None:
    small = index(file, 20)
    ids(small, *MANY[:20])
    tags = tuple((f"{number:250}", "x" * 250) for number in range(50))
    heavy = Series(COUNTER, "heavy", "s", tags)
    ids(small, heavy)
    assert len(small) == 21 - heavy.weight > 1
    ids(small, heavy, heavy, MANY[30])
    assert len(small) == 21 - heavy.weight
    with small.transaction():
        small.delete(["heavy"])
    ids(small, *MANY)
    assert len(small) == 20


def test_what_is_rolled_back_is_forgotten(file: File) -> None:
    writer = file.writer

    def fail() -> None:
        raise ZeroDivisionError

    writer.add([(MANY[0], T0, Summary(1, 1.0))])
    with pytest.raises(ZeroDivisionError):
        writer.add([(MANY[1], T0, Summary(1, 1.0))], fail)
    assert len(writer.index) == 0
    (other,) = writer.add([(MANY[2], T0, Summary(1, 1.0))])
    assert file.reader.series()[other] == MANY[2]


def test_it_is_noted_ever_later_up_to_once_an_hour_that_a_series_was_measured(file: File) -> None:
    for bound in (10, 1):
        small = index(file, bound)
        series = Series(COUNTER, f"of {bound}", "")
        noted = set()
        for age in range(0, 3 * SEEN, 10):
            ids(small, series, *MANY[:5], start=T0 + age)
            query = "SELECT seen FROM series WHERE name = ?"
            (seen,) = file.writer.connection.execute(query, (series.name,)).fetchone()
            noted.add(seen + SEEN - T0)
            # One that was measured once, now, would be of age - SEEN.
            assert seen >= T0 + age - SEEN
        assert sorted(noted) == [0, 30, 120, 390, 1200, 3630, 7240, 10850]


def test_it_is_noted_once_that_a_series_was_measured(file: File) -> None:
    small = index(file, 10)
    ids(small, C)
    ids(small, C, start=T0 + SEEN)
    asked: list[str] = []
    file.writer.connection.set_trace_callback(asked.append)
    ids(small, C, start=T0 + SEEN)
    assert asked == []


def test_deleting_takes_series_out_of_memory_too(file: File) -> None:
    small = index(file, 100)
    before = ids(small, *MANY)
    small.delete(["C.0", "c.1", "nix"])
    assert (len(small), file.count("series")) == (48, 48)
    after = ids(small, *MANY)
    assert after[2:] == before[2:]
    assert not {*after[:2]} & {*before}


def test_old_ones_are_deleted(file: File) -> None:
    small = index(file, 100)
    ids(small, *MANY[:5])
    ids(small, *MANY[5:], start=T0 + 100)
    assert not small.delete_old(T0 - SEEN)
    assert small.delete_old(T0 + 50)
    assert not small.delete_old(T0 + 50)
    assert (len(small), file.count("series")) == (45, 45)
    assert small.delete_old(T0 + 150)
    assert (len(small), file.count("series"), total(file)) == (0, 0, 0)


def test_a_metric_goes_with_its_last_series_unless_it_is_described(file: File) -> None:
    small = index(file, 100)
    ids(small, *MANY[:3], MANY[0]._replace(name="C.0", source="late"))
    ids(small, MANY[0]._replace(name="C.0", source="late"), start=T0 + 2 * SEEN)
    metadata.put(file.writer, "c.1", {"description": "d"})
    while small.delete_old(T0 + SEEN):
        pass
    names = [metric.name for metric in metadata.page(file.reader, "", 0, 9)[2]]
    assert (names, file.count("series")) == (["c.0", "c.1"], 1)


def test_tags_come_back_as_they_were() -> None:
    for tags in ((), (("a", "1"), ("b", '"ä\n'))):
        assert series_from(COUNTER, "n", "s", tags_text(tags), "info").tags == tags


def test_corrupt_tags_leave_out_their_series_alone(file: File) -> None:
    *corrupt, sound = ids(index(file, 9), *MANY[:5])
    texts = ("{rubbish", "[1]", '{"a": [1]}', r'{"a": "\ud800"}')
    with transaction(file.writer.connection):
        for series_id, tags in zip(corrupt, texts, strict=True):
            query = "UPDATE series SET tags = ? WHERE id = ?"
            file.writer.connection.execute(query, (tags, series_id))
    assert file.reader.series() == {sound: MANY[4]}


def test_twenty_times_as_many_names_as_the_bound_are_all_stored_in_bounded_memory(
    file: File,
) -> None:
    bound, names, step = 300, 6_000, 150
    writer = Writer(file.writer.connection, TIERS, HUGE, max_series=bound)

    def measure(first: int, start: int) -> None:
        points = [
            (Series(COUNTER, f"name.{number}", "s"), start, Summary(1, 1.0))
            for number in range(first, first + step)
        ]
        writer.add(points)
        assert len(writer.index) <= bound

    for first in range(0, 2 * bound, step):
        measure(first, T0 + first)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for first in range(2 * bound, names, step):
        measure(first, T0 + first)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 50 * (names - 2 * bound)  # bytes; a series in memory takes hundreds
    series = file.reader.series()
    assert len(series) == names
    plot = file.reader.slots([*series], T0, T0 + names, T0 + names, names)
    assert (
        sum(row[0] for slots in plot.slots.values() for rows in slots.values() for row in rows)
        == names
    )
    newest = file.reader.newest_series(bound)
    assert [one.name for one in newest.values()] == [
        f"name.{number}" for number in range(names - bound, names)
    ]
