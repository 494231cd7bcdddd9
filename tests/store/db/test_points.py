"""Rows found and merged by their keys."""

from __future__ import annotations

import sqlite3

from msgspec.structs import astuple

from tests.store.db.store_file import T0, File
from zibrato.distribution import Distribution
from zibrato.model import Summary
from zibrato.store.db.codec import Row, counter_row, row_of, summary_of
from zibrato.store.db.keys import end_of, key
from zibrato.store.db.points import add_rows, first_key, first_keys

ROW = counter_row(Summary(1, 1.0))


def stored(connection: sqlite3.Connection) -> dict[int, Row]:
    return {row_key: tuple(row) for row_key, *row in connection.execute("SELECT * FROM point")}


def test_rows_of_one_key_are_merged_and_others_stay(file: File) -> None:
    connection = file.writer.connection
    add_rows(connection, [(2, *ROW), (1, *ROW), (2, *counter_row(Summary(3, 4.5)))])
    assert stored(connection) == {1: ROW, 2: counter_row(Summary(4, 5.5))}


def test_a_merged_timer_has_all_samples(file: File) -> None:
    connection = file.writer.connection
    for values in ([0.25], [1.0, 3.0], [2.0] * 40):
        squares = sum(value * value for value in values)
        summary = Summary(len(values), sum(values), min(values), max(values), squares, values[-1],
                          Distribution(values))  # fmt: skip
        add_rows(connection, [(1, *row_of(summary))])
    summary = summary_of(stored(connection)[1])
    assert astuple(summary)[:6] == (43, 84.25, 0.25, 3.0, 170.0625, 2.0)
    assert summary.distribution is not None
    assert summary.distribution.count == 43


def test_a_distribution_stays_if_the_row_that_is_added_has_none(file: File) -> None:
    connection = file.writer.connection
    row = row_of(Summary(2, 3.0, 1.0, 2.0, 5.0, 2.0, Distribution([1.0, 2.0])))
    add_rows(connection, [(1, *row)])
    add_rows(connection, [(1, *row[:6], None)])
    assert stored(connection)[1][6] == row[6]


def test_the_first_key_is_that_of_the_range(file: File) -> None:
    connection = file.writer.connection
    add_rows(connection, [(5, *ROW), (9, *ROW)])
    assert first_key(connection, "point", 0, 99) == 5
    assert first_key(connection, "point", 6, 10) == 9
    assert first_key(connection, "point", 6, 9) is None
    assert first_key(connection, "chunk", 0, 99) is None


def test_each_start_of_a_tier_has_a_first_key(file: File) -> None:
    connection = file.writer.connection
    places = [(0, T0, 1), (0, T0, 7), (0, T0 + 20, 3), (1, T0 + 5, 1), (0, T0 + 40, 1)]
    add_rows(connection, [(key(*place), *ROW) for place in places])
    keys = list(first_keys(connection, 0, T0, T0 + 40))
    assert keys == [key(0, T0, 1), key(0, T0 + 20, 3)]
    assert list(first_keys(connection, 1, T0, T0 + 40)) == [key(1, T0 + 5, 1)]
    assert first_key(connection, "point", key(1, 0), end_of(1)) == key(1, T0 + 5, 1)
