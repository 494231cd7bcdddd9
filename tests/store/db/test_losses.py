"""What is lost is counted, and told once."""

from __future__ import annotations

from collections import Counter

import pytest

from zibrato.store.db import losses
from zibrato.store.db.keys import key
from zibrato.store.db.losses import DROPPED, EVICTED, SERIES_DELETED, Losses


class Account:
    """What was counted and logged."""

    def __init__(self) -> None:
        self.counted: Counter[tuple[str, str]] = Counter()
        self.lines: list[str] = []
        self.losses = Losses(self.count, self.lines.append)

    def count(self, name: str, value: int, tag: str, tag_value: str) -> None:
        assert tag == {EVICTED: "memory", SERIES_DELETED: "bound"}.get(name, "reason")
        self.counted[name, tag_value] += value


def test_what_is_corrupt_is_counted_once_and_the_first_is_told() -> None:
    account = Account()
    for what, series_id in (("row", 7), ("row", 7), ("chunk", 7), ("row", 8), ("row", 7)):
        account.losses.corrupt(what, key(0, 1200, series_id))
    assert account.counted == {(DROPPED, "corrupt"): 3}
    (line,) = account.lines
    assert line.startswith("a row of series 7 at 1200 is corrupt")


def test_a_corrupt_text_is_told_by_its_owner() -> None:
    account = Account()
    for owner in ("metric m", "metric m", "metric n"):
        account.losses.corrupt_text("attributes", owner)
    assert account.counted == {(DROPPED, "corrupt"): 2}
    (line,) = account.lines
    assert line.startswith("the attributes of metric m are corrupt")


def test_the_memory_of_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "MAX_PLACES", 2)
    account = Account()
    for row_key in (1, 2, 3, 1, 4):
        account.losses.corrupt("row", row_key)
    assert account.counted == {(DROPPED, "corrupt"): 2}


def test_what_a_count_can_not_hold_is_counted_and_told_once() -> None:
    account = Account()
    for measurements in (0, -1, 5, 6):
        account.losses.overflowed(measurements)
    assert account.counted == {(DROPPED, "overflow"): 11}
    assert len(account.lines) == 1


def test_what_left_the_memory_is_counted_and_no_loss() -> None:
    account = Account()
    account.losses.evicted(0)
    account.losses.evicted(2)
    account.losses.evicted(3, "list")
    assert account.counted == {(EVICTED, "index"): 2, (EVICTED, "list"): 3}
    assert account.lines == []


def test_what_left_the_file_and_what_found_no_room_is_counted_and_told_once() -> None:
    account = Account()
    for _ in range(2):
        account.losses.series_deleted(3)
        account.losses.no_room(2)
    account.losses.no_room(0)
    assert account.counted == {(SERIES_DELETED, "bytes"): 6, (DROPPED, "series"): 4}
    assert [line.partition(":")[0] for line in account.lines] == [
        "series have reached their bound, a quarter of the file",
        "new series are dropped, because a quarter of the file has no room for all of them; "
        "zibrato.store.dropped counts their measurements",
    ]


def test_an_account_that_nobody_reads_takes_everything() -> None:
    Losses().corrupt("row", 1)
    Losses().overflowed(1)
