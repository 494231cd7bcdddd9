"""A chunk gives back the points that it was made of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.store.db.store_file import timer
from zibrato.model import Summary
from zibrato.store.db.chunks import decode_points, encode_points
from zibrato.store.db.codec import Row, counter_row, row_of

numbers = st.floats(allow_nan=False, allow_infinity=False)
samples = st.lists(st.floats(0, 1e9), min_size=1, max_size=100)


@given(st.lists(st.tuples(st.integers(1, 600), st.integers(1, 2**53), numbers), min_size=1))
def test_a_chunk_of_a_counter_comes_back(counters: list[tuple[int, int, float]]) -> None:
    points, start = [], 5000
    for step, count, total in counters:
        points.append((start, counter_row(Summary(count, total))))
        start += step
    assert decode_points(encode_points(points, 4800), 4800) == points


@given(st.lists(numbers, min_size=1), st.booleans())
def test_a_chunk_of_a_gauge_comes_back(values: list[float], single: bool) -> None:
    points: list[tuple[int, Row]] = []
    for position, value in enumerate(values):
        count = 1 if single else position + 1
        row = (count, value, value - 1, value + 1, value * value, value, None)
        points.append((10 * position, row))
    assert decode_points(encode_points(points, 0), 0) == points


known = st.none() | numbers


@given(st.lists(st.tuples(numbers, known, known), min_size=1))
def test_what_is_not_known_comes_back_as_such(
    readings: list[tuple[float, float | None, float | None]],
) -> None:
    points: list[tuple[int, Row]] = [
        (10 * position, (3, value, value, value, squares, last, None))
        for position, (value, squares, last) in enumerate(readings)
    ]
    assert decode_points(encode_points(points, 0), 0) == points


@given(st.lists(samples, min_size=1, max_size=5))
def test_a_chunk_of_a_timer_comes_back(timers: list[list[float]]) -> None:
    points = [(60 * i, row_of(timer(values))) for i, values in enumerate(timers)]
    assert decode_points(encode_points(points, 0), 0) == points


def test_squares_of_single_samples_take_no_room() -> None:
    values = [number / 7 for number in range(200)]
    single: list[tuple[int, Row]] = [
        (number, (1, value, value, value, value * value, value, None))
        for number, value in enumerate(values)
    ]
    other = [(start, (2, *row[1:])) for start, row in single]
    assert len(encode_points(single, 0)) < 0.85 * len(encode_points(other, 0))


def test_neighbours_compress() -> None:
    points = [(10 * i, counter_row(Summary(1, 1000 + i / 7))) for i in range(240)]
    assert len(encode_points(points, 0)) < 0.9 * 8 * len(points)
