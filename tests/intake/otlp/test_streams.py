"""Running totals to growth: nothing is counted twice, and memory is bounded."""

from __future__ import annotations

import pytest

from zibrato.intake.otlp.streams import FORGET, Number, Point, Streams

STARTED = 1000


def grown(streams: Streams, start: int, time: int, value: float, stream: bytes = b"s") -> object:
    growth = streams.growth(Point(stream, start, time), Number(value), time)
    return None if growth is None else growth.value


def test_a_stream_counts_from_its_start_where_that_is_known() -> None:
    streams = Streams(STARTED)
    assert [grown(streams, 1001, time, value) for time, value in ((1002, 5), (1003, 7))] == [5, 2]


@pytest.mark.parametrize("start", [0, 1, STARTED])
def test_what_a_stream_had_before_the_intake_was_there_is_not_counted(start: int) -> None:
    streams = Streams(STARTED)
    assert [grown(streams, start, 1002, 5), grown(streams, start, 1003, 7)] == [None, 2]


def test_a_total_that_was_found_is_where_its_growth_begins() -> None:
    streams = Streams(STARTED)
    found = streams.growth(Point(b"s", 1001, 1001, is_whole=False), Number(500), 1001)
    assert [found, grown(streams, 1001, 1002, 507)] == [None, 7]


def test_a_stream_that_begins_anew_counts_from_nothing() -> None:
    streams = Streams(STARTED)
    assert [grown(streams, 1001, 1002, 5), grown(streams, 1003, 1004, 4)] == [5, 4]


def test_a_total_that_falls_has_begun_anew() -> None:
    streams = Streams(STARTED)
    points = [(1001, 1002, 5), (1001, 1003, 3), (1001, 1004, 4)]
    assert [grown(streams, *each) for each in points] == [5, 3, 1]


def test_two_processes_that_differ_in_their_start_alone_are_two_streams() -> None:
    streams = Streams(STARTED)
    points = [(1001, 1010, 5), (1002, 1011, 2), (1001, 1012, 6), (1002, 1013, 9)]
    assert [grown(streams, *each) for each in points] == [5, 2, 1, 7]


def test_what_comes_again_or_late_has_been_counted() -> None:
    streams = Streams(STARTED)
    points = [(1001, 1010, 5), (1001, 1010, 5), (1001, 1009, 3), (1001, 1011, 6)]
    assert [grown(streams, *each) for each in points] == [5, None, None, 1]


def test_an_integer_past_all_floats_grows_exactly() -> None:
    streams = Streams(STARTED)
    assert grown(streams, 1001, 1002, 2**60) == 2**60
    assert grown(streams, 1001, 1003, 2**60 + 1) == 1


@pytest.mark.attack("series without end, as running totals", before="there was no OTLP")
def test_memory_is_bounded_and_what_was_forgotten_is_not_counted_again() -> None:
    streams = Streams(STARTED, max_bytes=5_000)
    for number in range(100):
        assert grown(streams, 1001 + number, 2000, 5, b"%d" % number) == 5
        streams.forget(2000)
    assert len(streams) == 10
    assert grown(streams, 1001, 2001, 5, b"0") is None
    assert grown(streams, 1100, 2001, 7, b"99") == 2
    assert grown(streams, 1101, 2001, 5, b"new") == 5


def test_what_is_silent_for_a_day_is_forgotten() -> None:
    streams = Streams(STARTED)
    grown(streams, 1001, 2000, 5)
    streams.forget(2000 + FORGET - 1)
    assert len(streams) == 1
    streams.forget(2000 + FORGET)
    assert len(streams) == 0


def test_a_start_in_the_future_spoils_nobody_else_s() -> None:
    streams = Streams(STARTED)
    grown(streams, 2**63, 2000, 5)
    streams.forget(2000 + FORGET)
    assert grown(streams, 2001 + FORGET, 2002 + FORGET, 5, b"other") == 5
