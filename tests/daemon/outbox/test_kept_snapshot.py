"""What is known of a snapshot without having it."""

from __future__ import annotations

from zibrato.daemon.outbox.kept_snapshot import OWN_BYTES, Amount, KeptSnapshot, Waiting
from zibrato.daemon.series_filter import ALL, SeriesFilter
from zibrato.levels import LevelFilter
from zibrato.model import COUNTER, Identity, Series, Snapshot, Summary

A = Series(COUNTER, "a", "here", (), "info")
B = Series(COUNTER, "b", "here", (), "error")
SNAPSHOT = Snapshot(10, 20, {A: Summary(2, 2.0), B: Summary(3, 3.0)})
ERRORS = SeriesFilter(LevelFilter.parse("error"))


def test_tells_how_much_passes() -> None:
    kept = KeptSnapshot.of(SNAPSHOT)
    assert kept.amount(ALL) == Amount(2, 5)
    assert kept.amount(ERRORS) == Amount(1, 3)
    debug = SeriesFilter(LevelFilter.parse("debug"))
    assert kept.wanted({"a": ERRORS, "b": debug}) == {"a": ERRORS}


def test_tells_how_much_passes_by_name_also_when_the_snapshot_is_gone() -> None:
    wanted = SeriesFilter.parse({"include": "b*", "levels": "error"})
    kept = KeptSnapshot.of(SNAPSHOT)
    assert kept.amount(wanted) == Amount(1, 3)
    assert kept.wanted({"a": SeriesFilter.parse({"exclude": "*"})}) == {}
    kept.snapshot = None
    assert kept.amount(wanted) == Amount(1, 3)


def test_has_a_number_once_it_is_committed() -> None:
    kept = KeptSnapshot.of(SNAPSHOT)
    assert kept.sequence == 0
    assert kept.memory == SNAPSHOT.size + OWN_BYTES
    kept.identity = Identity("run", 7)
    assert kept.sequence == 7


def test_one_that_waits_gets_its_part() -> None:
    kept = KeptSnapshot.of(SNAPSHOT)
    assert Waiting.of(kept, ALL).part(SNAPSHOT) is SNAPSHOT
    part = Waiting.of(kept, ERRORS).part(SNAPSHOT)
    assert part is not None
    assert list(part.summaries) == [B]
    assert Waiting.of(kept, ERRORS).part(None) is None


def test_a_prefix_makes_it_a_part_even_where_all_passes() -> None:
    part = Waiting.of(KeptSnapshot.of(SNAPSHOT), SeriesFilter(prefix="x.")).part(SNAPSHOT)
    assert part is not None
    assert [series.name for series in part.summaries] == ["x.a", "x.b"]
