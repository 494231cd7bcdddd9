"""Rows in which a client tells of itself."""

from __future__ import annotations

import errno
from math import isclose

import zmq

from zibrato.client.own_rows import error_name, own_counter, own_gauge
from zibrato.wire import unpack


def test_a_total_is_one_measurement() -> None:
    row = own_counter("dropped", "full", 7)
    assert (row.name, row.tags) == ("zibrato.client.dropped", {"reason": "full"})
    assert (row.count, row.sum) == (1, 7)


def test_a_reading() -> None:
    row = own_gauge("series", 2000)
    assert row.name == "zibrato.client.series"
    (reading,) = unpack(row.samples)
    assert isclose(reading, 2000)


def test_an_error_has_the_name_of_its_number() -> None:
    assert error_name(zmq.ZMQError(errno.EMFILE)) == "EMFILE"
    assert error_name(zmq.ZMQError(zmq.ETERM)) == "ETERM"
    assert error_name(zmq.ZMQError(999_999)) == "999999"
