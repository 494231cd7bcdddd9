"""The send queue: in order, numbered without gaps, bounded, and split where a frame is too long."""

from __future__ import annotations

from array import array

import pytest

from tests.batches import batch_of
from zibrato.client import send_queue
from zibrato.client.buffers import CHUNK
from zibrato.client.rows import MAX_IDENTITY, ROW_COST
from zibrato.client.send_queue import BATCH_COST, MAX_SENT, OWN, SendQueue, measurements
from zibrato.wire import MAX_FRAME, VERSION, Batch, CounterRow, SampleRow, encode, pack

OF_ONE_ROW = ROW_COST + BATCH_COST


def timer(samples: int, name: str = "t") -> SampleRow:
    return SampleRow(name, "info", None, {}, pack(array("d", [1.0] * samples)))


def counter(count: int, name: str = "c", source: str | None = None) -> CounterRow:
    return CounterRow(name, "info", source, {}, count, 2.0 * count)


def batch(
    *,
    counters: tuple[CounterRow, ...] = (),
    timers: tuple[SampleRow, ...] = (),
    gauges: tuple[SampleRow, ...] = (),
    end: float = 1,
) -> Batch:
    return Batch(VERSION, "client", 0, 0, end, counters, timers, gauges)


def sent(queue: SendQueue) -> list[Batch]:
    """Send everything, and return it as it arrives."""
    arrived: list[Batch] = []
    while queue:
        arrived.append(batch_of(queue.first()))
        queue.pop()
    return arrived


def test_batches_leave_in_order_and_numbered() -> None:
    queue = SendQueue(1000)
    for end in (1, 2, 3):
        queue.add(batch(end=end))
    assert queue.first() == queue.first()
    assert [(arrival.end, arrival.sequence) for arrival in sent(queue)] == [(1, 1), (2, 2), (3, 3)]
    queue.add(batch(end=4))
    assert [arrival.sequence for arrival in sent(queue)] == [4]


def test_an_empty_queue_has_no_first() -> None:
    with pytest.raises(LookupError):
        SendQueue(10).first()


def test_up_to_the_bound_everything_waits_past_it_the_oldest_is_dropped() -> None:
    queue = SendQueue(2 * (10 + OF_ONE_ROW))
    assert queue.add(batch(timers=(timer(10),), end=1)) == 0
    assert queue.add(batch(timers=(timer(10),), end=2)) == 0
    assert queue.add(batch(timers=(timer(1),), end=3)) == 10
    assert [arrival.end for arrival in sent(queue)] == [2, 3]


def test_a_batch_drops_as_many_as_it_needs_room_for() -> None:
    queue = SendQueue(4 * (10 + OF_ONE_ROW))
    for end in range(4):
        assert queue.add(batch(timers=(timer(10),), end=end)) == 0
    assert queue.add(batch(timers=(timer(100),), end=5)) == 20
    assert len(queue) == 3


def test_rows_and_batches_take_room_as_well() -> None:
    queue = SendQueue(10 * BATCH_COST)
    for end in range(11):
        queue.add(batch(end=end))
    assert len(queue) == 10


def test_the_newest_batch_is_kept_whatever_its_size() -> None:
    queue = SendQueue(0)
    assert queue.add(batch(timers=(timer(1000),))) == 0
    assert len(queue) == 1


def test_what_was_sent_makes_room() -> None:
    queue = SendQueue(10 + OF_ONE_ROW)
    for _ in range(3):
        assert queue.add(batch(timers=(timer(10),))) == 0
        queue.pop()


def test_a_lower_bound_holds_from_the_next_batch_on() -> None:
    queue = SendQueue(10_000)
    for _ in range(3):
        queue.add(batch(timers=(timer(10),)))
    queue.max_pending = 10 + OF_ONE_ROW
    assert queue.add(batch(timers=(timer(10),))) == 30


def test_counters_of_what_is_dropped_are_added_to_the_next() -> None:
    queue = SendQueue(0)
    for count in (1, 2, 4):
        rows = (counter(count), counter(10 * count, source="s"), counter(count, f"only {count}"))
        assert queue.add(batch(counters=rows, timers=(timer(5),))) == (0 if count == 1 else 5)
    (only,) = sent(queue)
    assert {(row.name, row.source): (row.count, row.sum) for row in only.counters} == {
        ("c", None): (7, 14),
        ("c", "s"): (70, 140),
        ("only 1", None): (1, 2),
        ("only 2", None): (2, 4),
        ("only 4", None): (4, 8),
    }
    assert len(only.timers) == 1


def test_it_is_filling_past_one_half() -> None:
    queue = SendQueue(4 * BATCH_COST)
    queue.add(batch())
    queue.add(batch())
    assert not queue.is_filling
    queue.add(batch())
    assert queue.is_filling
    queue.clear()
    assert not queue.is_filling


def test_what_a_client_says_of_itself_is_no_measurement() -> None:
    own = batch(counters=(counter(3, f"{OWN}dropped"),), timers=(timer(4, f"{OWN}series"),))
    assert measurements(own) == 0
    queue = SendQueue(1000)
    queue.add(own)
    queue.add(batch(counters=(counter(3),), timers=(timer(4), timer(1, "u"))))
    assert queue.clear() == 8
    assert len(queue) == 0


def test_what_is_too_long_for_a_frame_is_halved_until_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue = SendQueue(10_000)
    rows = tuple(timer(10, f"t{number}") for number in range(8))
    counters = tuple(counter(number, f"c{number}") for number in range(5))
    whole = batch(timers=rows, counters=counters)
    monkeypatch.setattr(send_queue, "MAX_SENT", len(encode(whole)) // 3)
    queue.add(whole)
    queue.add(batch(end=2))
    arrived = sent(queue)
    assert len(arrived) == 5
    assert [arrival.sequence for arrival in arrived] == [1, 2, 3, 4, 5]
    assert [row for arrival in arrived for row in arrival.timers] == list(rows)
    assert [row for arrival in arrived for row in arrival.counters] == list(counters)
    assert [arrival.end for arrival in arrived] == [1, 1, 1, 1, 2]
    assert not queue.is_filling


def test_a_row_that_is_too_long_can_not_be_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send_queue, "MAX_SENT", 10)
    queue = SendQueue(1000)
    queue.add(batch(timers=(timer(10),)))
    with pytest.raises(ValueError, match="too long"):
        queue.first()
    assert queue.pop().timers == (timer(10),)


def test_the_longest_row_of_each_kind_goes_by_itself() -> None:
    queue = SendQueue(1_000_000)
    longest = {"x" * MAX_IDENTITY: ""}
    name = CounterRow("c", "info", None, longest, 1, 1.0)
    row = SampleRow("t", "info", None, longest, pack(array("d", [1.0] * CHUNK)))
    queue.add(batch(counters=(name, name), timers=(row,), gauges=(row,)))
    frames = []
    while queue:
        frames.append(queue.first())
        queue.pop()
    assert max(map(len, frames)) <= MAX_SENT <= MAX_FRAME // 2
    arrived = [*map(batch_of, frames)]
    assert [len(one.counters) for one in arrived] == [1, 1, 0, 0]
    assert [(len(one.timers), len(one.gauges)) for one in arrived[2:]] == [(1, 0), (0, 1)]
