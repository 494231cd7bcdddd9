"""Running totals: what adds up, what begins anew, when it holds, and that memory has a bound."""

from __future__ import annotations

import tracemalloc
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from msgspec.structs import astuple
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from zibrato.backends import totals as module
from zibrato.backends.totals import FORGOTTEN, STEP, Totals
from zibrato.backends.totals_file import Total, TotalsFile
from zibrato.distribution import Distribution
from zibrato.interfaces import Delivery, RetryLater
from zibrato.model import COUNTER, GAUGE, TIMER, Identity, Series, Snapshot, Summary
from zibrato.threads import Inline

CALLS = Series(COUNTER, "calls", "here")
WORK = Series(TIMER, "work", "here")
T = TypeVar("T")


def result(work: Coroutine[Any, Any, T]) -> T:
    """Return what is done at once."""
    outcome: list[T] = []
    Deferred.fromCoroutine(work).addCallback(outcome.append)
    return outcome[0]


def failure(work: Coroutine[Any, Any, object]) -> str:
    outcome: list[str] = []
    waiting = Deferred.fromCoroutine(work)
    waiting.addErrback(lambda failed: outcome.append(f"{failed.trap(RetryLater)} {failed.value}"))
    return outcome[0]


def kept(path: Path) -> Totals:
    return Totals(TotalsFile(path), Inline())


def deliver(
    totals: Totals,
    *amounts: tuple[Series, float, Summary],
    identity: Identity | None = None,
    commit: bool = True,
    now: float = 1e9,
) -> Sequence[Total]:
    """Add intervals of 10 s, each of one series, and return their totals."""
    snapshots = [Snapshot(when, when + 10, {series: one}) for series, when, one in amounts]
    delivery = Delivery(snapshots, lambda *_: None, [identity] * len(snapshots))
    addition = result(totals.begin(delivery, now))
    added = [
        addition.add(series, one, start, end)
        for start, end, summaries in addition.snapshots
        for series, one in summaries.items()
    ]
    if commit:
        result(totals.commit(addition, delivery.identities))
    return added


def timer(*samples: float) -> Summary:
    squares = sum(sample**2 for sample in samples)
    return Summary(
        len(samples), sum(samples), min(samples), max(samples), squares, samples[-1],
        Distribution(samples),
    )  # fmt: skip


def test_counters_add_up_since_the_first() -> None:
    totals = Totals()
    first, second = Summary(2, 5.0), Summary(1, -1.0)
    assert deliver(totals, (CALLS, 100.0, first)) == [Total(100.0, 100.0, 110.0, first)]
    (total,) = deliver(totals, (CALLS, 110.0, second))
    assert total == Total(100.0, 110.0, 120.0, Summary(3, 4.0), is_monotonic=False)
    (total,) = deliver(totals, (CALLS, 120.0, Summary(1, 1.0)))
    assert not total.is_monotonic


def test_a_late_interval_makes_nothing_older_and_has_a_time_of_its_own() -> None:
    one = Summary(1, 1.0)
    _, again, late = deliver(Totals(), *((CALLS, when, one) for when in (100.0, 100.0, 50.0)))
    assert (again.end, again.summary.sum) == (110.0 + STEP, 2.0)
    assert (late.seen, late.end, late.summary.sum) == (100.0, again.end + STEP, 3.0)


def test_timers_merge_bucket_by_bucket() -> None:
    *_, total = deliver(Totals(), (WORK, 100.0, timer(1.0)), (WORK, 110.0, timer(3.0, 3.0)))
    assert astuple(total.summary)[:4] == (3, 7.0, 1.0, 3.0)
    assert total.summary.distribution is not None
    assert total.summary.distribution.samples is None
    assert sorted(total.summary.distribution.buckets.values()) == [1, 2]


def test_of_a_gauge_the_newest_reading_stays() -> None:
    depth = Series(GAUGE, "depth", "here")
    new, old = Summary(1, 4.0, last=4.0), Summary(1, 9.0, last=9.0)
    *_, total = deliver(Totals(), (depth, 100.0, new), (depth, 50.0, old))
    assert total.summary.last == 4.0


def test_after_the_clock_was_far_ahead_totals_go_on_at_the_time_that_it_is() -> None:
    totals = Totals()
    gauge = Series(GAUGE, "depth", "here")
    ahead, now = 1e9, 1000.0
    deliver(totals, (CALLS, ahead, Summary(2, 5.0)), now=ahead + 20)
    deliver(totals, (gauge, ahead, Summary(1, 7.0, 7.0, 7.0, 49.0, 7.0)), now=ahead + 20)
    latest = Summary(1, 3.0, 3.0, 3.0, 9.0, 3.0)
    (calls,) = deliver(totals, (CALLS, now - 20, Summary(1, 1.0)), now=now)
    (depth,) = deliver(totals, (gauge, now - 20, latest), now=now)
    assert calls == Total(now - 20, now - 20, now - 10, Summary(3, 6.0))
    assert depth.summary == latest
    (calls,) = deliver(totals, (CALLS, now - 10, Summary(1, 1.0)), now=now + 10)
    assert calls == Total(now - 20, now - 10, now, Summary(4, 7.0))


def test_what_was_silent_for_long_begins_anew() -> None:
    totals, one = Totals(), Summary(1, 1.0)
    deliver(totals, (CALLS, 100.0, one), (WORK, 100.0, timer(1.0)))
    later = 100.0 + FORGOTTEN
    assert deliver(totals, (CALLS, later, one)) == [Total(later, later, later + 10, one)]
    assert [series for series, _ in totals] == [CALLS]


def test_what_is_counted_once_a_day_adds_up() -> None:
    totals, one = Totals(), Summary(1, 1.0)
    for day in range(3):
        (total,) = deliver(totals, (CALLS, day * 25 * 3600.0 + 60 * (day % 2), one))
    assert total.summary == Summary(3, 3.0)


def test_nothing_holds_before_its_commit() -> None:
    totals = Totals()
    deliver(totals, (CALLS, 100.0, Summary(1, 1.0)), commit=False)
    assert list(totals) == []


def test_what_is_sent_again_after_a_crash_is_as_before(tmp_path: Path) -> None:
    path, one = tmp_path / "totals", Summary(1, 0.1)
    first, second = Identity("run", 1), Identity("run", 2)
    deliver(kept(path), (CALLS, 100.0, one), (WORK, 100.0, timer(1.5)), identity=first)
    sent = deliver(kept(path), (CALLS, 110.0, one), identity=second, commit=False)
    assert deliver(kept(path), (CALLS, 110.0, one), identity=second) == sent
    assert sent[0].summary.sum == 0.2
    assert dict(kept_totals(path))[WORK].summary.sum == 1.5


def kept_totals(path: Path) -> Sequence[tuple[Series, Total]]:
    totals = kept(path)
    result(totals.load())
    return [(series, packed.total) for series, packed in totals]


def test_what_is_known_is_delivered_and_not_added_again(tmp_path: Path) -> None:
    path, identity = tmp_path / "totals", Identity("run", 1)
    deliver(kept(path), (CALLS, 100.0, Summary(2, 5.0)), identity=identity)
    noted: list[tuple[int, str | None]] = []
    snapshot = Snapshot(100.0, 110.0, {CALLS: Summary(2, 5.0)})
    delivery = Delivery([snapshot], lambda *note: noted.append(note), [identity])
    assert result(kept(path).begin(delivery, 0.0)).snapshots == []
    assert noted == [(2, None)]


def test_a_corrupt_file_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "totals"
    path.write_bytes(b"no database" * 1000)
    totals = kept(path)
    assert deliver(totals, (CALLS, 100.0, Summary(1, 1.0)))[0].summary.sum == 1.0
    assert [one.name for one in tmp_path.glob("totals.corrupt-*")]
    assert dict(kept_totals(path))[CALLS].summary.sum == 1.0


def test_what_can_t_be_written_is_kept_for_later(tmp_path: Path) -> None:
    totals = kept(tmp_path / "none" / "totals")
    delivery = Delivery([], lambda *_: None)
    assert "none/totals" in failure(totals.begin(delivery, 0.0))


def test_memory_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1 << 18)
    path = tmp_path / "totals"
    totals = kept(path)
    names = [f"work{number}" for number in range(300)]
    samples = [1.01**number for number in range(200)]
    for name in (*names, names[-2]):
        deliver(totals, (Series(TIMER, name, "here"), 100.0, timer(*samples)))
    left = [series.name for series, _ in totals]
    assert 20 < len(left) < 300
    assert left == [*names[-len(left) : -2], names[-1], names[-2]]
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    again = kept(path)
    result(again.load())
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert {series.name for series, _ in again} == {*left}
    assert held / 2 < again.size <= 1 << 18
    assert held < 1 << 18


def test_where_all_are_in_use_the_new_ones_have_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    totals, one = Totals(), Summary(1, 1.0)
    names = [Series(COUNTER, f"n{number}", "here") for number in range(20)]
    deliver(totals, *((series, 100.0, one) for series in names[:10]))
    monkeypatch.setattr(module, "MAX_BYTES", totals.size)
    with capturedLogs() as events:
        for when in (110.0, 120.0):
            deliver(totals, *((series, when, one) for series in names))
    sums = {series: packed.total.summary.sum for series, packed in totals}
    assert sums == dict.fromkeys(names[:10], 3.0)
    assert [
        event for event in events if "start again from zero" in str(event["log_format"])
    ] == events[:1]
