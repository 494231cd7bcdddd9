"""What open intervals took in since it was last committed."""

from __future__ import annotations

from zibrato.daemon.outbox.frame_log import MAX_BYTES, FrameLog, bound


def test_has_what_is_new() -> None:
    log = FrameLog()
    log.extend(10, [b"a"])
    log.extend(10, [b"b"])
    assert log.take() == {10: [b"a", b"b"]}
    assert not log
    assert log.take() == {}


def test_forgets_what_is_closed() -> None:
    log = FrameLog()
    log.extend(10, [b"a"])
    log.extend(20, [b"b"])
    log.close(10)
    log.close(30)
    assert log.take() == {20: [b"b"]}


def test_what_could_not_be_committed_comes_again_unless_it_is_closed() -> None:
    log = FrameLog()
    log.extend(10, [b"a"])
    log.extend(20, [b"b"])
    taken = log.take()
    log.extend(20, [b"c"])
    log.close(10)
    log.put_back(taken)
    assert log.take() == {20: [b"b", b"c"]}


def test_is_bounded_and_says_so() -> None:
    log = FrameLog(max_bytes=2)
    log.extend(10, [b"a"], waited_for=True)
    log.extend(10, [b"b"], waited_for=True)
    assert log.is_complete
    log.extend(10, [b"c"], waited_for=True)
    assert not log.is_complete
    assert log.take() == {10: [b"a", b"b"]}
    log.close(10)
    assert log.is_complete


def test_what_nobody_waits_for_may_take_less_and_is_not_missed() -> None:
    log = FrameLog(worth=1, max_bytes=2)
    log.extend(10, [b"a"])
    log.extend(10, [b"b"])
    log.extend(10, [b"c"], waited_for=True)
    assert log.take() == {10: [b"a", b"c"]}
    assert log.is_complete


def test_a_short_interval_may_have_less() -> None:
    assert bound(1) == MAX_BYTES // 10
    assert bound(10) == bound(3600) == MAX_BYTES
