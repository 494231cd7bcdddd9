"""A corrupt row, blob or chunk is left out by itself: in queries, rollup, and what is written."""

from __future__ import annotations

import zlib
from array import array
from collections import Counter
from math import inf
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.db.store_file import T0, C, File, G, T, snapshot, timer
from zibrato.distribution import Distribution
from zibrato.model import MAX_COUNT, MAX_EXACT_INT, Summary
from zibrato.store.db.chunks import encode_points
from zibrato.store.db.codec import counter_row, decode_distribution, encode_distribution, row_of
from zibrato.store.db.keys import key
from zibrato.store.db.losses import DROPPED, Losses
from zibrato.store.db.points import create_functions
from zibrato.store.db.soundness import checked, is_sound_distribution, sound_points

DAY = 86400
GAUGE_ROW = (1, 1.0, 1.0, 1.0, 1.0, 1.0, None)
NAN, INF = float("nan"), float("inf")


def buckets(*values: Any) -> bytes:
    return b"\x01" + msgspec.msgpack.encode(values)


def samples(*values: float) -> bytes:
    return b"\x00" + array("d", values).tobytes()


GOOD_BLOBS = [
    b"",
    samples(1.0, 2.0),
    samples(0.0, 5e-324),
    buckets(0.5, 2.0, 3, [-64, 128], [1, 2]),
    encode_distribution(Distribution([5e-324, 1.7e308] * 600)),
]
BAD_BLOBS = [
    None,
    "text",
    b"\x00123",
    b"\x02",
    b"\x01",
    b"\x01\xc1",
    b"\x01rubbish",
    samples(1.0, NAN),
    samples(INF),
    buckets(0.5, 2.0, 3, [1, 2], [1]),
    buckets(0.5, 2.0, 3, [], []),
    buckets(0.5, 2.0, -1, [1], [1]),
    buckets(0.5, 2.0, 3, [1], [-1]),
    buckets(0.5, 2.0, 3, [1, 0], [1, 1]),
    buckets(0.5, INF, 3, [1], [1]),
    buckets(NAN, 2.0, 3, [1], [1]),
    buckets(0.5, 2.0, 3, [10**6], [1]),
    buckets(0.5, 2.0, 3, [-(10**6)], [1]),
    buckets(0.5, 2.0, 3, [1, 10**6], [1, 1]),
    buckets(0.5, 2.0, 3, [1] * 9000, [1] * 9000),
]


@pytest.mark.parametrize("blob", GOOD_BLOBS)
def test_what_is_written_of_distributions_is_sound(blob: bytes) -> None:
    assert is_sound_distribution(blob)


@pytest.mark.parametrize("blob", BAD_BLOBS)
def test_what_is_none_is_not(blob: object) -> None:
    assert not is_sound_distribution(blob)


@given(st.binary(max_size=40) | st.binary(max_size=40).map(lambda data: b"\x01" + data))
def test_of_what_is_sound_a_distribution_can_be_made(blob: bytes) -> None:
    if is_sound_distribution(blob):
        distribution = decode_distribution(blob, 1.0)
        distribution.merged(distribution).percentiles((0, 50, 100))
        encode_distribution(distribution)


def test_a_row_is_that_of_a_counter_or_has_all_numbers() -> None:
    for row in ((2, 4.0, None, None, None, None, None), GAUGE_ROW, row_of(timer([1.0, 2.0]))):
        assert checked(row) == row
    unknown = (3, 6.0, 1.0, 3.0, None, None, None)
    assert checked(unknown) == unknown
    for place, value in enumerate(["1", b"", None, None, INF, NAN, b"\x02"]):
        assert checked((*GAUGE_ROW[:place], value, *GAUGE_ROW[place + 1 :])) is None
    assert checked((-1, *GAUGE_ROW[1:])) is None
    assert checked((1, 1.0, None, None, None, 1.0, None)) is None


def test_a_count_that_became_a_float_is_at_its_bound() -> None:
    for count in (2.0**63, 1e300, INF):
        assert checked((count, *GAUGE_ROW[1:])) == (MAX_COUNT, *GAUGE_ROW[1:])


class Attack:
    """A file with three series, and what it lost."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.counted: Counter[str] = Counter()
        self.lines: list[str] = []
        losses = Losses(self.count, self.lines.append)
        file.writer.losses = file.reader.losses = losses
        create_functions(file.writer.connection, losses)
        for start in range(T0, T0 + 1200, 10):
            self.ids = file.writer.add_snapshots(snapshot(start, 1.0))

    def count(self, _name: str, value: int, _tag: str, reason: str) -> None:
        self.counted[reason] += value

    def totals(self, step: int) -> list[int]:
        return [self.file.total(of, T0, T0 + 1200, T0 + DAY, step).count for of in (C, T, G)]

    def corrupt(self, place: int, column: str, value: object) -> None:
        """Set a column of the row of a series at T0 + 10."""
        row_key = key(0, T0 + 10, self.ids[place])
        query = f"UPDATE point SET {column} = ? WHERE key = ?"  # noqa: S608 - all ours
        self.file.writer.connection.execute(query, (value, row_key))


@pytest.fixture
def attack(file: File) -> Attack:
    return Attack(file)


@pytest.mark.parametrize(
    ("place", "column", "value"),
    [
        (0, "count", "many"),
        (0, "last", 1.0),
        (1, "distribution", b"\x01rubbish"),
        (1, "distribution", None),
        (2, "count", -5),
        (2, "min", "least"),
        (2, "distribution", b""),
    ],
)
@pytest.mark.attack(
    "corrupt rows in the store's file", before="each query and rollup failed that met one"
)
def test_a_corrupt_row_is_left_out_by_itself(
    attack: Attack, place: int, column: str, value: object
) -> None:
    attack.corrupt(place, column, value)
    full = [240, 360, 120]
    less = [count - (count // 120 if at == place else 0) for at, count in enumerate(full)]
    shape_only = (column, value) in {("distribution", None), ("distribution", b"")}
    for _ in range(2):
        assert attack.totals(1) == (full if shape_only else less)
    attack.file.maintain(T0 + DAY)
    assert attack.totals(1) == attack.totals(60) == less
    assert attack.file.count("point") > 0  # the rollup went on, to the coarsest that is due
    assert attack.counted == {"corrupt": 1}
    assert len(attack.lines) == 1


@pytest.mark.parametrize(
    "chunk", [b"", b"rubbish", zlib.compress(b"rubbish"), zlib.compress(b"\x90"), "text", 5]
)
def test_a_corrupt_chunk_is_left_out_by_itself(attack: Attack, chunk: object) -> None:
    attack.file.maintain(T0 + 9000)
    connection = attack.file.writer.connection
    place = key(0, T0, attack.ids[1])
    connection.execute("UPDATE chunk SET points = ? WHERE key = ?", (chunk, place))
    for _ in range(2):
        with pytest.raises(ValueError, match="not enough values"):
            attack.totals(1)
        assert attack.file.total(C, T0, T0 + 1200, T0 + DAY, 1).count == 240
    assert attack.totals(60) == [240, 360, 120]
    attack.file.writer.add_snapshots(snapshot(T0 + 10, 1.0))  # late: a chunk takes its place
    attack.file.maintain(T0 + 9010)
    assert attack.totals(1) == [242, 3, 121]
    assert attack.counted == {"corrupt": 1}


def test_a_corrupt_row_of_a_chunk_is_left_out_by_itself() -> None:
    counted: list[tuple[str, int, str, str]] = []
    sound = counter_row(Summary(1, 1.0))
    points = [(T0, sound), (T0 + 1, (1, inf, *sound[2:]))]
    losses = Losses(lambda *loss: counted.append(loss))
    assert sound_points(key(0, T0, 1), encode_points(points, T0), losses) == points[:1]
    assert counted == [(DROPPED, 1, "reason", "corrupt")]


def test_what_is_measured_anew_is_kept_beside_what_is_corrupt(attack: Attack) -> None:
    attack.corrupt(0, "count", "many")
    attack.corrupt(1, "distribution", b"\x01rubbish")
    attack.corrupt(2, "sum", "much")
    attack.file.writer.add_snapshots(snapshot(T0 + 10, 1.0))
    attack.file.writer.add_snapshots(snapshot(T0 + 20, 1.0))
    attack.file.maintain(T0 + DAY)
    assert attack.totals(60)[2] == 122


@pytest.mark.attack("counts that add up past 2^63", before="all rollups ended")
def test_counts_that_add_up_past_an_integer_stay_at_the_bound(attack: Attack) -> None:
    huge = Summary(MAX_EXACT_INT, 1.0)
    attack.file.writer.add([(C, T0 + 10, huge)] * 1025)
    assert attack.file.total(C, T0 + 10, T0 + 11, T0 + DAY, 1).count == MAX_COUNT
    lost = 1025 * MAX_EXACT_INT + 2 - MAX_COUNT
    assert attack.counted == {"overflow": lost}
    attack.file.maintain(T0 + DAY)
    for step in (1, 60, 900, 3600):
        assert attack.file.total(C, T0, T0 + 3600, T0 + DAY, step).count == MAX_COUNT
    assert attack.file.count("chunk") > 0
    assert attack.counted["overflow"] > lost  # two of a minute add up to more, too
    assert len(attack.lines) == 1


def test_a_sum_of_whole_numbers_past_an_integer_is_kept(attack: Attack) -> None:
    attack.file.writer.add([(C, T0 + 5, Summary(1, 2**70))])
    assert attack.file.total(C, T0 + 5, T0 + 6, T0 + 10, 1).sum == 2.0**70


def test_a_summary_past_the_bound_is_written_at_it(attack: Attack) -> None:
    attack.file.writer.add([(G, T0 + 5, Summary(2**70, 1.0, 1.0, 1.0, 1.0, 1.0))])
    assert attack.file.total(G, T0 + 5, T0 + 6, T0 + 10, 1).count == MAX_COUNT
    assert attack.counted == {"overflow": 2**70 - MAX_COUNT}


def test_a_file_of_before_with_a_count_past_an_integer_goes_on(attack: Attack) -> None:
    attack.corrupt(0, "count", 2.0**63)
    attack.file.writer.add([(C, T0 + 10, Summary(2, 2.0))])
    attack.corrupt(2, "count", 2.0**64)
    attack.file.maintain(T0 + DAY)
    assert attack.totals(60) == [MAX_COUNT, 360, MAX_COUNT]
    assert set(attack.counted) == {"overflow"}
