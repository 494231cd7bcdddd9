"""Rows in which a client tells of itself."""

from __future__ import annotations

import errno
from math import isclose

import zmq

from zibrato.client.own_rows import SERIES_WARNING, OwnReport, error_name
from zibrato.wire import unpack


def test_what_is_new_is_one_measurement_for_each_reason() -> None:
    report = OwnReport()
    (full, again) = report.rows({"full": 7}, {"EAGAIN": 1}, 0).counters
    assert (full.name, full.tags) == ("zibrato.client.dropped", {"reason": "full"})
    assert (full.count, full.sum) == (1, 7)
    assert (again.name, again.tags) == ("zibrato.client.errors", {"reason": "EAGAIN"})
    (more,) = report.rows({"full": 9, "unsent": 0}, {"EAGAIN": 1}, 0).counters
    assert (more.tags, more.sum) == ({"reason": "full"}, 2)
    assert not report.rows({"full": 9}, {}, 0)


def test_too_many_series_are_a_reading_once_and_when_they_have_doubled() -> None:
    report = OwnReport()
    series = (SERIES_WARNING, SERIES_WARNING + 1, SERIES_WARNING + 2, 2 * SERIES_WARNING + 3)
    (first,), (second,) = (rows.gauges for one in series if (rows := report.rows({}, {}, one)))
    assert first.name == "zibrato.client.series"
    for row, expected in ((first, SERIES_WARNING + 1), (second, 2 * SERIES_WARNING + 3)):
        (reading,) = unpack(row.samples)
        assert isclose(reading, expected)


def test_an_error_has_the_name_of_its_number() -> None:
    assert error_name(zmq.ZMQError(errno.EMFILE)) == "EMFILE"
    assert error_name(zmq.ZMQError(zmq.ETERM)) == "ETERM"
    assert error_name(zmq.ZMQError(999_999)) == "999999"
