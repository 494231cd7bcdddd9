"""What is on its way to a hub: numbered alike each time, sent in order, gone once committed."""

from __future__ import annotations

from tests.backends.hub.numbering import NUMBER, RUN, numbered, parts_of
from zibrato.backends.hub.window import MAX_PARTS, PART_BYTES, Window
from zibrato.distribution import MAX_BUCKETS, Distribution
from zibrato.model import COUNTER, MAX_NAME_LENGTH, TIMER, Identity, Series, Snapshot, Summary
from zibrato.snapshot_parts import SnapshotPart, decode_part
from zibrato.wire import VERSION, Acknowledgement

WIDE = "\N{GRINNING FACE}"


def told(committed: int | None, wanted: int | None = None, instance: str = "i") -> Acknowledgement:
    return Acknowledgement(VERSION, instance, committed, wanted)


def send(window: Window) -> list[tuple[int, int]]:
    """Send what goes; return number and predecessor of each."""
    sent = []
    while (frame := window.frame()) is not None:
        part = decode_part(frame)
        assert isinstance(part, SnapshotPart)
        sent.append((part.sequence, part.after))
        window.sent()
    return sent


def three() -> Window:
    return Window(numbered(1, 2, 4))


def test_each_says_what_is_before_it_and_nothing_is_before_the_first() -> None:
    assert send(three()) == [(1, 0), (2, 1), (4, 2)]


def test_what_is_committed_is_gone_and_counted() -> None:
    window = three()
    send(window)
    assert window.acknowledge(RUN, told(2)) == 2
    assert send(window) == []
    window.rewind()
    assert send(window) == [(4, 0)]
    assert window.acknowledge(RUN, told(4)) == 1
    assert not window


def test_what_is_wanted_is_sent_again_from_there_on() -> None:
    window = three()
    send(window)
    assert window.acknowledge(RUN, told(None, wanted=1)) == 0
    assert send(window) == [(1, 0), (2, 1), (4, 2)]
    # 3 is none of ours: the next after it is.
    window.acknowledge(RUN, told(None, wanted=3))
    assert send(window) == [(4, 2)]


def test_another_hub_gets_all_again() -> None:
    window = three()
    send(window)
    window.acknowledge(RUN, told(1))
    assert send(window) == []
    window.acknowledge(RUN, told(1, instance="j"))
    assert send(window) == [(2, 0), (4, 2)]


def test_another_hub_than_that_of_the_window_before_gets_all_again() -> None:
    window = Window(numbered(1, 2), "i")
    send(window)
    window.acknowledge(RUN, told(None, instance="j"))
    assert send(window) == [(1, 0), (2, 1)]
    assert window.instance == "j"


def test_what_another_client_is_told_commits_nothing() -> None:
    window = three()
    send(window)
    assert window.acknowledge("other", told(4)) == 0
    assert window.acknowledge(RUN, told(1)) == 1


def test_parts_of_another_run_wait_until_those_before_are_committed() -> None:
    window = Window([*numbered(7), *numbered(1, 2, run="new")])
    assert window.client == RUN
    assert send(window) == [(7, 0)]
    window.acknowledge(RUN, told(7))
    assert window.client == "new"
    assert send(window) == [(1, 0), (2, 1)]


def test_a_snapshot_that_is_large_is_in_parts_that_are_numbered_alike_each_time() -> None:
    series = [Series(COUNTER, f"{number:0250}", "here") for number in range(2000)]
    snapshot = Snapshot(10.0, 20.0, dict.fromkeys(series, Summary(2, 3.0)))
    first, lost = parts_of(snapshot)
    assert lost == 0
    assert len(first) > 1
    assert [part.sequence for part in first] == [
        NUMBER * MAX_PARTS + place for place in range(len(first))
    ]
    assert sum(part.measurements for part in first) == 4000
    assert parts_of(snapshot)[0] == first
    window = Window(first)
    assert window.size > 2000 * 250


def test_no_frame_is_too_long_whatever_a_row_holds() -> None:
    tags = tuple((WIDE * 253 + f"{number:02}", WIDE * MAX_NAME_LENGTH) for number in range(50))
    buckets = {30_000 + index: 2**62 // MAX_BUCKETS for index in range(MAX_BUCKETS)}
    full = Distribution.of_buckets(buckets, 0, 1e140, 1e180)
    summary = Summary(full.count, 1e200, 1e140, 1e180, 1.0, 1e150, full)
    series = [
        Series(TIMER, WIDE * 254 + letter, WIDE * MAX_NAME_LENGTH, tags, "critical")
        for letter in "abc"
    ]
    made, lost = parts_of(Snapshot(10.0, 20.0, dict.fromkeys(series, summary)))
    assert (len(made), lost) == (3, 0)
    window = Window(made)
    while (frame := window.frame()) is not None:
        assert PART_BYTES / 2 < len(frame) < 256 * 1024
        window.sent()


def test_what_can_t_be_shipped_is_counted() -> None:
    bad = {Series(COUNTER, "bad", "here"): Summary(3, float("nan"))}
    assert parts_of(Snapshot(10.0, 20.0, bad)) == ([], 3)


def test_identities_tell_snapshots_apart() -> None:
    summaries = {Series(COUNTER, "c", "here"): Summary(1, 1.0)}
    (one,), _ = parts_of(Snapshot(10.0, 20.0, summaries), Identity("r", 1))
    (two,), _ = parts_of(Snapshot(10.0, 20.0, summaries), Identity("r", 2))
    assert two.sequence - one.sequence == MAX_PARTS
