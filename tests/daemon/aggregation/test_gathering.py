"""Frames of lines wait for others, for no longer than they may, and in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from zibrato.daemon.aggregation.gathering import (
    CHUNK,
    DELAY,
    HEAD_COST,
    MAX_BYTES,
    MAX_LINES,
    Gatherer,
)
from zibrato.lines import Gathered, LineReader


class FakeReader:
    """Remembers the frames that it got."""

    def __init__(self) -> None:
        self.pending = 0
        self.heads = 0
        self.frames: list[bytes] = []

    def split(self, frames: Sequence[bytes]) -> None:
        """Remember frames."""
        self.frames += frames
        self.pending += sum(frame.count(b"\n") + 1 for frame in frames)

    def take(self, _when: float) -> Gathered:
        """Forget them."""
        self.frames, self.pending = [], 0
        return Gathered((), {})


class GathererTests(SynchronousTestCase):
    """A gatherer at time 1,000 with intervals of 10 seconds."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.reader = FakeReader()
        self.delivered: list[tuple[list[bytes], float]] = []
        self.gatherer = Gatherer(self.reader, self.deliver, self.clock, 10.0)

    def deliver(self, reader: LineReader, when: float) -> None:
        self.delivered.append((self.reader.frames, when))
        reader.take(when)

    def test_what_comes_within_the_delay_is_delivered_together(self) -> None:
        self.gatherer.add(b"a")
        self.clock.advance(DELAY / 2)
        self.gatherer.extend([b"b", b"c"])
        assert self.delivered == []
        self.clock.advance(DELAY)
        assert self.delivered == [([b"a", b"b", b"c"], 1000.0)]
        self.clock.advance(10)
        assert len(self.delivered) == 1

    def test_nothing_waits_beyond_its_interval(self) -> None:
        self.clock.advance(10 - DELAY / 4)
        self.gatherer.add(b"a")
        self.clock.advance(DELAY / 4)
        self.gatherer.add(b"b")
        self.gatherer.flush()
        assert self.delivered == [([b"a"], 1010 - DELAY / 4), ([b"b"], 1010.0)]
        assert self.clock.getDelayedCalls() == []

    def test_a_flush_of_nothing_does_nothing(self) -> None:
        self.gatherer.flush()
        assert self.delivered == []

    def test_lines_that_wait_are_bounded(self) -> None:
        frame = b"\n" * CHUNK
        for _ in range(10):
            self.gatherer.add(frame)
            assert self.reader.pending < MAX_LINES
        assert len(self.delivered) == 10 * CHUNK // MAX_LINES

    def test_many_beginnings_wait_for_fewer_others(self) -> None:
        self.reader.heads = MAX_LINES // HEAD_COST
        self.gatherer.add(b"x" * (CHUNK - 1))
        assert self.delivered == []
        self.gatherer.add(b"x")
        assert len(self.delivered) == 1

    def test_bytes_that_wait_are_bounded(self) -> None:
        frame = b"x" * CHUNK
        for number in range(1, 3 * MAX_BYTES // CHUNK + 1):
            self.gatherer.add(frame)
            assert len(self.delivered) == number * CHUNK // MAX_BYTES
