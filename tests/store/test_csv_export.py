"""Records and the CSV of them."""

from __future__ import annotations

import csv
import io
from math import nan

from zibrato.distribution import Distribution
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Summary
from zibrato.store.csv_export import FIELDS, as_csv, records
from zibrato.store.db.codec import Row, counter_row, row_of
from zibrato.store.db.reader import Plot

SERIES = {
    1: Series(COUNTER, "c", "web-1"),
    2: Series(TIMER, "t", "", (("a", "x"), ("b", "y")), "debug"),
    3: Series(GAUGE, "g", "s"),
}
HEADING = "time,name,source,tags,level,kind,count,sum,min,max,sum_squares,last,p50,p95,p99\r\n"


def plot(rows: dict[int, dict[int, list[Row]]]) -> Plot:
    return Plot(10, rows)


def test_a_counter_has_a_count_and_a_sum_alone() -> None:
    (record,) = records(plot({1: {20: [counter_row(Summary(2, 5.0))]}}), SERIES)
    assert [*record] == [*FIELDS]
    assert [*record.values()] == [20, "c", "web-1", "", "info", COUNTER, 2, 5.0, *[None] * 7]


def test_a_timer_has_percentiles_and_a_gauge_has_none() -> None:
    timer = Summary(2, 3.0, 1.0, 2.0, 5.0, 2.0, Distribution([1.0, 2.0]))
    gauge = Summary(1, 4.0, 4.0, 4.0, 16.0, 4.0)
    exported = [*records(plot({2: {20: [row_of(timer)]}, 3: {20: [row_of(gauge)]}}), SERIES)]
    assert [*exported[0].values()][2:] == ["", "a=x,b=y", "debug", TIMER, 2, 3, 1, 2, 5, 2, 1, 2, 2]
    assert [*exported[1].values()][5:] == [GAUGE, 1, 4, 4, 4, 16, 4, None, None, None]


def test_what_is_not_known_is_empty() -> None:
    summed = row_of(Summary(2, 6.0, 1.0, 5.0, nan, nan))
    (record,) = records(plot({3: {20: [summed]}}), SERIES)
    assert [*record.values()][6:] == [2, 6.0, 1.0, 5.0, *[None] * 5]


def test_rows_of_a_slot_are_merged_and_slots_come_in_order() -> None:
    rows = [counter_row(Summary(1, 1.0)), counter_row(Summary(2, 2.0))]
    exported = [*records(plot({1: {30: rows, 20: rows[:1]}}), SERIES)]
    assert [(record["time"], record["sum"]) for record in exported] == [(20, 1.0), (30, 3.0)]


def test_the_csv_has_a_heading_even_alone() -> None:
    assert as_csv([]) == HEADING.encode()


def test_nothing_is_an_empty_cell_and_no_text_a_formula() -> None:
    for name in ("=1+1", "+1", "-1", "@x"):
        series = {1: Series(GAUGE, name, "a,b")}
        made = as_csv(records(plot({1: {20: [row_of(Summary(1, -2.5, -2.5, -2.5))]}}), series))
        (record,) = csv.DictReader(io.StringIO(made.decode(), newline=""))
        assert (record["name"], record["source"]) == (f"'{name}", "a,b")
        assert (record["sum"], record["p50"]) == ("-2.5", "")
