"""The newest intervals in memory, and who gets them."""

from __future__ import annotations

from threading import Thread

import pytest
from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from tests.store.cases import START, C, G, T, snapshot
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Snapshot, Summary
from zibrato.store.live import (
    INTERVALS,
    STALE,
    Live,
    LiveSeries,
    Measured,
    display_value,
    point,
)

IDS = {C: 1, T: 2, G: 3}
TIMING = snapshot(START).summaries[T]


def measured(interval: Snapshot) -> list[Measured]:
    start, end, summaries = interval
    return [Measured(IDS[of], of, start, end, summary) for of, summary in summaries.items()]


def listed(live: Live, now: float = START) -> dict[str, LiveSeries]:
    return {series.kind: series for series in live.series(now)}


def updated(*intervals: Snapshot) -> Live:
    live = Live()
    for interval in intervals:
        live.update(measured(interval))
    return live


def test_the_list_has_the_newest_of_each_series() -> None:
    series = listed(updated(snapshot(START), snapshot(START + 30, 4.0)))
    assert series[COUNTER].spark == [1.0, None, None, 4.0]
    assert (series[COUNTER].last, series[COUNTER].rate) == (4.0, 0.4)
    assert (series[TIMER].last, series[TIMER].rate) == (2.0, 0.2)
    assert (series[GAUGE].last, series[GAUGE].seen) == (4.0, START + 30)


def test_a_late_interval_changes_only_its_own_place() -> None:
    intervals = (snapshot(START + 20, 3.0), snapshot(START, 1.0), snapshot(START - 1000, 1.0))
    series = listed(updated(*intervals))
    assert series[GAUGE].spark == [1.0, None, 3.0]
    assert (series[GAUGE].last, series[GAUGE].seen) == (3.0, START + 20)


def test_a_counter_adds_up_in_an_interval_and_a_gauge_has_its_newest() -> None:
    series = listed(updated(snapshot(START, 2.0), snapshot(START, 5.0)))
    assert series[COUNTER].spark == [7.0]
    assert (series[GAUGE].spark, series[GAUGE].last) == ([5.0], 5.0)


def test_a_series_that_fell_silent_has_no_rate() -> None:
    live = updated(snapshot(START))
    silent = START + (STALE + 1) * live.interval
    assert listed(live, silent)[COUNTER].rate == 0.1
    series = listed(live, silent + 1)
    assert (series[COUNTER].rate, series[COUNTER].last) == (None, 1.0)


def test_a_gap_longer_than_what_is_kept_leaves_nothing_old() -> None:
    last = START + (INTERVALS - 1) * 10
    assert len(listed(updated(snapshot(START), snapshot(last, 2.0)))[GAUGE].spark) == INTERVALS
    assert listed(updated(snapshot(START), snapshot(last + 10, 2.0)))[GAUGE].spark == [2.0]


def test_sparks_end_at_the_newest_interval_of_all() -> None:
    live = updated(snapshot(START))
    live.update([Measured(9, Series(GAUGE, "other", ""), START + 20, START + 30, Summary(1, 1.0))])
    assert [series.spark for series in live.series(START, [3])] == [[1.0, None, None]]


def test_what_was_loaded_is_in_the_list_and_not_new() -> None:
    live = Live()
    assert live.load({IDS[C]: C}, []) == [IDS[C]]
    assert [(series.last, series.spark) for series in live.series(START)] == [(None, [])]
    assert live.update(measured(snapshot(START))) == [IDS[T], IDS[G]]


def test_to_load_again_counts_nothing_twice() -> None:
    live = updated(snapshot(START))
    silent = Series(GAUGE, "silent", "s")
    for _ in range(2):
        assert live.load({**{IDS[of]: of for of in IDS}, 9: silent}, measured(snapshot(START))) == [
            9
        ]
        assert listed(live)[COUNTER].spark == [1.0]


def test_a_series_silent_for_long_shows_its_last_value_and_its_age() -> None:
    live = Live()
    live.load({IDS[of]: of for of in IDS}, [])
    live.load_last(measured(snapshot(START - 100_000, 4.0)))
    live.update([Measured(IDS[G], G, START, START + 10, Summary(1, 5.0, 5.0, 5.0, 25.0, 5.0))])
    live.load_last(measured(snapshot(START - 100_000, 4.0)))
    series = listed(live)
    assert (series[TIMER].last, series[TIMER].seen) == (2.0, START - 100_000)
    assert (series[TIMER].rate, {*series[TIMER].spark}) == (None, set())
    assert (series[GAUGE].last, series[GAUGE].seen) == (5.0, START)


class Noted:
    """A lock that notes how often it was taken."""

    def __init__(self) -> None:
        self.taken = 0

    def __enter__(self) -> None:
        self.taken += 1

    def __exit__(self, *_: object) -> None:
        pass


def test_whoever_reads_the_list_sees_all_or_nothing_of_a_load(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    live, lock = Live(), Noted()
    monkeypatch.setattr(live, "lock", lock)
    live.load({IDS[of]: of for of in IDS}, [])
    assert lock.taken == 1
    live.load_last(measured(snapshot(START)))
    assert lock.taken > 1


def test_what_was_removed_is_not_in_the_list() -> None:
    live = updated(snapshot(START))
    live.remove(["COUNTER", "timer"])
    assert [*listed(live)] == [GAUGE]


def test_what_the_file_no_longer_has_is_not_in_the_list() -> None:
    live = updated(snapshot(START))
    gone = [series.id for series in live.series(START) if series.kind != GAUGE]
    live.forget([*gone, 99])
    assert [*listed(live)] == [GAUGE]


def test_the_value_that_is_shown_is_of_the_kind() -> None:
    gauge = Summary(2, 7.0, 3.0, 4.0, 25.0, 3.0)
    assert display_value(COUNTER, Summary(2, 7.0)) == 7.0
    assert display_value(GAUGE, gauge) == display_value(TIMER, gauge) == 3.0
    assert display_value(TIMER, replace(TIMING, last=1.0)) == 2.0


def test_a_point_has_what_its_kind_has() -> None:
    assert point(5, COUNTER, Summary(2, 7.0)) == [5, 2, 7.0, *[None] * 6]
    gauge = Summary(2, 7.0, 3.0, 4.0, 25.0, 3.0)
    assert point(5, GAUGE, gauge) == [5, 2, 7.0, 3.0, 4.0, 3.0, None, None, None]
    assert point(5, TIMER, TIMING) == [5, 2, 3.0, 1.0, 2.0, 2.0, 1.0, 2.0, 2.0]


def one_of_many(number: int) -> Measured:
    summary = Summary(1, 1.0, 1.0, 1.0, 1.0, 1.0)
    return Measured(number, Series(GAUGE, str(number), ""), START, START + 10, summary)


@pytest.mark.attack("names without end", before="a million took 1.5 GB, and a list of 199 MB")
def test_it_holds_the_series_that_were_measured_last() -> None:
    evicted: list[int] = []
    live = Live(max_series=10, evicted=evicted.append)
    for number in range(10):
        live.update([one_of_many(number)])
    assert live.update(map(one_of_many, (0, 10, 11))) == [10, 11]
    assert {series.id for series in live.series(START)} == {0, *range(3, 12)}
    assert sum(evicted) == 2
    assert live.update([one_of_many(1)]) == [1]


def test_series_with_many_tags_leave_less_room() -> None:
    tags = tuple((f"{number:250}", "x" * 250) for number in range(50))
    live = Live(max_series=20)
    live.update(map(one_of_many, range(20)))
    heavy = Measured(20, Series(GAUGE, "heavy", "", tags), START, START + 10, TIMING)
    live.update([heavy])
    assert {series.id for series in live.series(START)} == {*range(heavy.series.weight, 21)}
    live.forget([20])
    live.update(map(one_of_many, range(heavy.series.weight)))
    assert {series.id for series in live.series(START)} == {*range(20)}


def test_of_an_interval_with_too_many_the_last_are_held_and_new() -> None:
    live = Live(max_series=10)
    assert live.update(map(one_of_many, range(1000))) == [*range(990, 1000)]
    assert len([*live.series(START)]) == 10


def test_updates_do_not_wait_for_a_list_that_is_read_and_change_nothing_in_it() -> None:
    live = Live()
    live.update(map(one_of_many, range(3)))
    listed = live.series(START + 10)
    first = next(listed)
    twice = Summary(1, 2.0, 2.0, 2.0, 4.0, 2.0)
    late = [Measured(number, G, START + 10, START + 20, twice) for number in range(4)]
    update = Thread(target=live.update, args=(late,), daemon=True)
    update.start()
    update.join(10)
    assert not update.is_alive()
    assert [(series.id, series.last) for series in (first, *listed)] == [(0, 1), (1, 1), (2, 1)]
    assert [(series.id, series.spark) for series in live.series(START + 10)] == [
        *((number, [1, 2]) for number in range(3)),
        (3, [2]),
    ]


class SubscriberTests(SynchronousTestCase):
    """Who is told."""

    def test_one_that_fails_gets_no_more_and_the_others_do(self) -> None:
        live, events = Live(), list[bytes]()

        def fail(_event: bytes) -> None:
            raise AttributeError("gone")

        live.subscribers += [fail, events.append]
        live.publish(b"one")
        live.publish(b"two")
        self.assertEqual(events, [b"one", b"two"])
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)

    def test_one_may_leave_while_it_is_told(self) -> None:
        live, events = Live(), list[bytes]()

        def leave(_event: bytes) -> None:
            live.subscribers.remove(leave)

        live.subscribers += [leave, events.append]
        live.publish(b"one")
        self.assertEqual((events, len(live.subscribers)), ([b"one"], 1))
