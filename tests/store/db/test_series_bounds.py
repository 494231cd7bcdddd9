"""Series are bounded: those measured longest ago are deleted, and all others stay what they are."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.db.store_file import HUGE, T0, TIERS, File
from zibrato.model import COUNTER, GAUGE, Series, Summary
from zibrato.store.db import schema, series_bounds
from zibrato.store.db.keys import MAX_SERIES_ID, series_id_of
from zibrato.store.db.losses import DROPPED, SERIES_DELETED, Losses
from zibrato.store.db.schema import SERIES_BYTES, open_for_writing
from zibrato.store.db.series_bounds import SeriesTotal
from zibrato.store.db.series_index import NO_ROOM, SEEN
from zibrato.store.db.writer import Measurement, Writer

ROOM = 1600
"""Bytes that have room for nine or ten series of short names."""
SMALL = 1 << 20
LIVE = [Series(GAUGE, f"live.{number}", "host") for number in range(50)]


class Account:
    """What was counted, by the last part of its name."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()
        self.lines: list[str] = []
        self.losses = Losses(self.count, self.lines.append)

    def count(self, name: str, value: int, tag: str, tag_value: str) -> None:
        assert (name, tag, tag_value) in {
            (SERIES_DELETED, "bound", "bytes"),
            (DROPPED, "reason", "series"),
        }
        self.counted[name.rpartition(".")[2]] += value


@pytest.fixture
def account(file: File, monkeypatch: pytest.MonkeyPatch) -> Account:
    """Give the file a bound of a few series, and return what is counted."""
    monkeypatch.setattr(series_bounds, "SHARE", HUGE // ROOM)
    made = Account()
    reopen(file, made.losses)
    return made


def reopen(file: File, losses: Losses | None = None, bound: int = HUGE) -> None:
    file.writer.connection.close()
    file.writer = Writer(open_for_writing(file.path, bound), TIERS, bound, losses)


def named(*names: str, start: int = T0) -> list[Measurement]:
    return [(Series(COUNTER, name, "s"), start, Summary(1, 1.0)) for name in names]


def numbered(first: int, last: int, start: int = T0) -> list[Measurement]:
    return named(*(f"n.{number}" for number in range(first, last)), start=start)


def names(file: File) -> list[str]:
    return [series.name for _, series in sorted(file.reader.series().items())]


def write(writer: Writer, points: Sequence[Measurement]) -> list[int]:
    """Write as the database does: evict from a file that is full, and try again."""
    for _ in range(8):
        try:
            return writer.add(points)
        except sqlite3.OperationalError:
            assert writer.evict()
    return writer.add(points)


@pytest.mark.attack("names that come once, without end", before="filled the store's file for good")
def test_live_series_keep_their_ids_and_history_in_a_flood_of_names(tmp_path: Path) -> None:
    file, account = File(tmp_path / "s", SMALL), Account()
    reopen(file, account.losses, SMALL)
    first: list[int] = []
    for interval in range(60):
        start = T0 + 10 * interval
        live = [(one, start, Summary(1, 1.0, 1.0, 1.0, 1.0, 1.0)) for one in LIVE]
        flood = numbered(300 * interval, 300 * interval + 300, start)
        ids = write(file.writer, flood + live)[300:]
        first = first or ids
        assert ids == first
        file.maintain(start + 10)
        if interval % 20 == 19:
            reopen(file, account.losses, SMALL)
    assert account.counted["series_deleted"] > 16_000
    assert len(account.lines) == 1
    assert [file.reader.series()[series_id] for series_id in ids] == LIVE
    now = T0 + 600
    assert {file.total(one, T0, now, now, 600).count for one in LIVE} == {60}
    assert file.path.stat().st_size <= SMALL
    file.close()


@pytest.mark.attack("more names at once than fit", before="filled the store's file for good")
def test_of_more_than_fit_at_once_some_are_kept_and_the_others_counted(tmp_path: Path) -> None:
    file, account = File(tmp_path / "s", SMALL), Account()
    reopen(file, account.losses, SMALL)
    write(file.writer, named("before"))
    for start in (T0 + 10, T0 + 20):
        ids = write(file.writer, [*numbered(0, 5000, start), *named("before", start=start)])
        file.maintain(start)
    kept = len(ids) - ids.count(NO_ROOM)
    assert kept > 1000
    assert account.counted["dropped"] > 2 * (5000 - kept)
    assert ids[-1] == 1
    assert account.lines[0].startswith("new series are dropped")
    file.close()


def test_those_measured_longest_ago_go_first_with_what_they_had(
    file: File, account: Account
) -> None:
    write(file.writer, numbered(0, 9))
    write(file.writer, numbered(0, 1, T0 + 10))
    write(file.writer, numbered(9, 12, T0 + 20))
    assert names(file)[0] == "n.0"
    assert names(file)[-3:] == ["n.9", "n.10", "n.11"]
    gone = 12 - len(names(file))
    assert account.counted == {"series_deleted": gone}
    rows = {series_id_of(key) for (key,) in file.writer.connection.execute(_KEYS)}
    assert rows == {*file.reader.series()}
    assert file.count("metric") == len(names(file))


_SUM = f"SELECT coalesce(sum({SERIES_BYTES}), 0) FROM series"  # noqa: S608 - all ours
_KEYS = "SELECT key FROM point UNION ALL SELECT key FROM chunk"


@pytest.mark.parametrize("age", [200, SEEN, 5 * 3600, 80 * 3600])
def test_what_was_measured_once_leaves_nothing_in_any_tier(file: File, age: int) -> None:
    write(file.writer, numbered(0, 20, T0 + 123))
    write(file.writer, named("later", start=T0 + age))
    file.maintain(T0 + age)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(series_bounds, "SHARE", HUGE // 160)
        assert file.writer.index.delete_excess()
    assert names(file) == ["later"]
    (key,) = {key for (key,) in file.writer.connection.execute(_KEYS)}
    assert series_id_of(key) == 21


def test_one_that_goes_on_outlives_names_that_are_newer(file: File, account: Account) -> None:
    for start in range(T0, T0 + 300, 10):  # it comes every 30 s, and then waits
        if start < T0 + 150 and start % 30 == 0:
            write(file.writer, named("live", start=start))
        write(file.writer, numbered(start, start + 1, start))
        reopen(file, account.losses)
    assert "live" in names(file)
    assert account.counted["series_deleted"] > 20


def test_none_of_one_call_is_deleted_for_another(file: File, account: Account) -> None:
    write(file.writer, numbered(0, 6, T0 - 2 * SEEN))
    known = write(
        file.writer, numbered(0, 6, T0) + named("late", start=T0 - 86400) + numbered(6, 12)
    )
    assert account.counted == {"dropped": known.count(NO_ROOM)}
    stored = file.reader.series()
    assert [stored[series_id].name for series_id in known if series_id] == names(file)
    assert names(file)[:7] == [*(f"n.{number}" for number in range(6)), "late"]
    assert file.count("point") == 6 + len(names(file))


def test_what_is_rolled_back_is_not_deleted_nor_counted(file: File, account: Account) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    write(file.writer, numbered(0, 9))
    before = names(file)
    with suppress(ZeroDivisionError):
        file.writer.add(numbered(9, 15, T0 + 10), fail)
    assert (names(file), account.counted) == (before, {})
    write(file.writer, numbered(9, 15, T0 + 10))
    assert account.counted["series_deleted"] == 15 - len(names(file))


def test_whoever_shows_them_is_told(file: File, account: Account) -> None:
    told: list[int] = []
    connection = file.writer.connection
    writer = Writer(connection, TIERS, HUGE, account.losses, on_deleted=told.extend)
    made = write(writer, numbered(0, 9))
    write(writer, numbered(9, 15, T0 + 10))
    assert told == made[: len(told)]
    assert len(told) == account.counted["series_deleted"]


def test_no_id_is_past_what_a_key_holds(file: File) -> None:
    account = Account()
    reopen(file, account.losses)
    write(file.writer, named("a"))
    change = "UPDATE sqlite_sequence SET seq = ? WHERE name = 'series'"
    file.writer.connection.execute(change, (MAX_SERIES_ID - 1,))
    ids = write(file.writer, named("b", "c", "d", "a"))
    assert ids == [MAX_SERIES_ID, NO_ROOM, NO_ROOM, 1]
    assert (file.count("point"), file.count("metric")) == (2, 2)
    assert account.counted == {"dropped": 2}


def test_a_file_that_names_had_filled_is_migrated_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "s"
    insert = (
        "INSERT INTO series (name, source, kind, tags, level, seen) "
        "VALUES (?, 'ä', 'counter', '', 'info', ?)"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "VERSION", 5)
        with closing(open_for_writing(path, SMALL)) as connection, suppress(sqlite3.Error):
            for number in range(100_000):
                connection.execute("INSERT INTO metric (name) VALUES (?)", (f"n.{number}",))
                connection.execute(insert, (f"n.{number}", T0 - 100_000 + number))
    file, account = File(path, SMALL), Account()
    reopen(file, account.losses, SMALL)
    filled = file.count("series")
    assert filled > 3000
    write(file.writer, named("new"))
    file.maintain(T0)
    kept = file.count("series")
    assert account.counted == {"series_deleted": filled + 1 - kept}
    assert 1000 < kept < 2000
    assert names(file)[-2:] == [f"n.{filled - 1}", "new"]
    assert file.writer.connection.execute(_SUM).fetchone() == (
        SeriesTotal(file.writer.connection).bytes,
    )
    file.close()


_name = st.text("aä\n☃", min_size=1, max_size=9) | st.sampled_from("abcdef")
_batch = st.lists(st.tuples(_name, st.integers(0, 9000)), max_size=15)
_steps = st.lists(st.tuples(st.sampled_from(["write", "fail", "delete", "reopen"]), _batch))


@given(_steps)
def test_whatever_is_written_an_id_is_of_one_series_and_no_row_of_another(
    steps: list[tuple[str, list[tuple[str, int]]]],
) -> None:
    with TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(series_bounds, "SHARE", HUGE // ROOM)
        model = Model(Path(directory, "s"))
        for step, batch in steps:
            getattr(model, step)([point for name, age in batch for point in named(name, start=age)])
            model.check()
        model.file.close()


class Model:
    """A file that has room for few series, and what was ever given each id."""

    def __init__(self, path: Path) -> None:
        self.file = File(path)
        self.given: dict[int, Series] = {}

    def write(self, points: list[Measurement]) -> None:
        ids = self.file.writer.add(points)
        stored = self.file.reader.series()
        for series_id, (series, start, _) in zip(ids, points, strict=True):
            if series_id != NO_ROOM:
                assert self.given.setdefault(series_id, series) == stored[series_id] == series
                plot = self.file.reader.slots([series_id], start, start + 1, start, 1)
                assert plot.slots[series_id]

    def fail(self, points: list[Measurement]) -> None:
        def fail() -> None:
            raise ZeroDivisionError

        with suppress(ZeroDivisionError):
            self.file.writer.add(points, fail)

    def delete(self, points: list[Measurement]) -> None:
        self.file.writer.delete_metrics({series.name for series, _, _ in points})

    def reopen(self, _points: list[Measurement]) -> None:
        reopen(self.file)

    def check(self) -> None:
        """Hold what is counted to what is there."""
        connection = self.file.writer.connection
        (size,) = connection.execute(_SUM).fetchone()
        assert SeriesTotal(connection).bytes == size <= ROOM
        assert self.file.reader.series().items() <= self.given.items()
