"""Frames of one sample, taken in undecoded: to the same end as all others, whatever their bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from zibrato.daemon.aggregation import single_samples
from zibrato.daemon.aggregation.accumulator import Accumulator
from zibrato.daemon.aggregation.aggregator import Aggregator
from zibrato.daemon.aggregation.intervals import Content
from zibrato.daemon.aggregation.receiver import Receiver
from zibrato.daemon.aggregation.single_samples import MAX_SIZE, SingleSamples
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.levels import LevelFilter
from zibrato.model import Summary
from zibrato.wire import VERSION, Batch, CounterRow, SampleRow, encode

NOW = 1_700_000_005.0
TAGS = {"table": "users"}


def frame(
    sample: float = 0.25,
    *,
    client: str = "web1-4711",
    number: int = 7,
    start: float = NOW,
    end: float = NOW,
    name: str = "query",
    level: str = "debug",
    tags: dict[str, str] = TAGS,
    acknowledged: int | None = None,
) -> bytes:
    row = SampleRow(name, level, None, tags, struct.pack("<d", sample))
    return encode(Batch(VERSION, client, number, start, end, (), [row], (), acknowledged))


def batch(
    counters: Sequence[CounterRow] = (),
    timers: Sequence[SampleRow] = (),
    gauges: Sequence[SampleRow] = (),
) -> bytes:
    return encode(Batch(VERSION, "web1-4711", 7, NOW, NOW, counters, timers, gauges))


COUNTER = CounterRow("c", "info", None, {}, 1, 1.0)


class Daemon:
    """An aggregator at `NOW`, and what was noted of it; `forgetful` knows no frame of before."""

    def __init__(self, *, forgetful: bool = False) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.metrics = SelfMetrics()
        self.aggregator = Aggregator(self.metrics, interval=10.0, source="here", max_series=1000)
        self.noted: list[tuple[float, bytes]] = []
        self._forgetful = forgetful
        self._receiver = self._new()

    def _new(self) -> Receiver:
        return Receiver(self.aggregator, self.metrics, self.clock, self._note, lambda _: True)

    def _note(self, start: float, contents: Sequence[Content | bytes]) -> None:
        self.noted += [(start, one) for one in contents if isinstance(one, bytes)]

    def receive(self, frames: Iterable[bytes]) -> None:
        if self._forgetful:
            self._receiver = self._new()
        self._receiver.receive(list(frames))
        self._receiver.flush()

    def result(self) -> object:
        closed = [one.snapshot() for one in self.aggregator.close(inf)]
        return (
            [(one.start, {k: shape(v) for k, v in one.summaries.items()}) for one in closed],
            dict(self.metrics.totals),
            sorted(self.noted),
        )


def shape(summary: Summary) -> tuple[object, ...]:
    """Return a summary but for which sample was the last: those that aren't decoded come first."""
    return summary.count, summary.sum, summary.min, summary.max, summary.sum_squares


def undecoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return a list that the frames are to be in which are taken in undecoded."""
    seen: list[bytes] = []
    take = SingleSamples.take

    def spied(
        self: SingleSamples, frames: Sequence[bytes], now: float
    ) -> tuple[list[bytes], Sequence[bytes]]:
        taken, others = take(self, frames, now)
        seen.extend(taken)
        return taken, others

    monkeypatch.setattr(SingleSamples, "take", spied)
    return seen


def same(frames: Sequence[bytes], known: Iterable[bytes] = ()) -> None:
    """Have both daemons take `known` in, then the frames together."""
    results = []
    for forgetful in (False, True):
        daemon = Daemon(forgetful=forgetful)
        for one in known:
            daemon.receive([one])
        if forgetful:
            for one in frames:
                daemon.receive([one])
        else:
            daemon.receive(frames)
        results.append(daemon.result())
        assert daemon.metrics.total("zibrato.intake.rejected", reason="fault") == 0
    assert results[0] == results[1]


def test_what_differs_in_number_times_and_sample_is_not_decoded_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = undecoded(monkeypatch)
    same_but = [
        frame(0.0),
        frame(number=200),
        frame(number=40_000),
        frame(number=2**32 - 1),
        frame(start=NOW - 5, end=NOW + 4.999),
    ]
    same(same_but, [frame()])
    assert seen == same_but


@pytest.mark.parametrize(
    "other",
    [
        frame(nan),
        frame(inf),
        frame(-0.25),
        frame(number=2**32),
        frame(start=NOW - 5.001),
        frame(end=NOW + 5),
        frame(start=NOW + 1),
        frame(start=nan),
        frame(end=nan),
        frame(client="web2-4711"),
        frame(client="x"),
        frame(client="x" * 32),
        frame(name="other"),
        frame(level="info"),
        frame(tags={}),
        frame(acknowledged=6),
        frame() + b"\x00",
        frame()[:-1],
        frame()[:4],
        b"\x98\x01",
        b"\x98",
    ],
)
def test_what_differs_in_anything_else_is_decoded(
    other: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = undecoded(monkeypatch)
    same([other], [frame()])
    assert seen == []


@pytest.mark.parametrize(
    "unfit",
    [
        frame(acknowledged=6),
        frame(acknowledged=0x4090),  # its end is as that of one which is to be remembered
        frame(name="x" * (MAX_SIZE - 64)),
        frame(client="x" * 32),
        frame(name=""),
        batch(gauges=[SampleRow("g", "info", None, {}, bytes(8))]),
        batch(timers=[SampleRow("t", "info", None, {}, bytes(16))]),
        batch(timers=[SampleRow("t", "info", None, {}, bytes(8))] * 2),
        batch([COUNTER]),
        batch([COUNTER], [SampleRow("t", "info", None, {}, bytes(8))]),
        frame().replace(b"\xa5query", b"\xd9\x05query"),
    ],
)  # fmt: skip
def test_what_is_no_single_sample_or_written_otherwise_is_decoded_each_time(
    unfit: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = undecoded(monkeypatch)
    same([unfit, unfit], [unfit, frame()])
    assert seen == []


def test_each_byte_of_a_known_frame_may_become_any_other() -> None:
    known = frame()
    for place in range(len(known)):
        start, end = known[:place], known[place + 1 :]
        changed = [start + bytes([byte]) + end for byte in range(256)]
        same([*changed, start, start + end, start + known[place : place + 1] * 2 + end], [known])


KNOWN = [frame(), frame(name="other"), frame(client="x", tags={}), frame(acknowledged=6)]
FRAMES = st.builds(
    frame,
    st.sampled_from([0.0, -0.0, 0.5, 3.0, -1.0, nan, inf]),
    client=st.sampled_from(["web1-4711", "x", "y"]),
    number=st.sampled_from([0, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**63 - 1]),
    start=st.sampled_from([NOW, NOW - 5, NOW - 100, NOW + 30]),
    end=st.sampled_from([NOW, NOW + 4, NOW + 5, NOW + 200]),
    name=st.sampled_from(["query", "other", ""]),
    level=st.sampled_from(["debug", "DEBUG", "info", "none"]),
    tags=st.sampled_from([TAGS, {}]),
    acknowledged=st.sampled_from([None, None, None, 6]),
)


@settings(deadline=None)
@given(st.lists(FRAMES, max_size=10), st.data())
def test_any_frames_come_to_the_same(frames: list[bytes], data: st.DataObject) -> None:
    mutated = [bytearray(one) for one in frames]
    for one in mutated:
        for _ in range(data.draw(st.integers(0, 2))):
            start = data.draw(st.integers(0, len(one)))
            end = data.draw(st.integers(start, min(len(one), start + 2)))
            one[start:end] = data.draw(st.binary(max_size=2))
    same([bytes(one) for one in mutated], KNOWN)


def test_another_interval_and_another_filter_have_it_decoded_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = undecoded(monkeypatch)
    daemon = Daemon()
    daemon.receive([frame()])
    daemon.receive([frame()])
    assert len(seen) == 1
    daemon.aggregator.close(NOW + 5)
    daemon.receive([frame()])
    assert len(seen) == 1
    daemon.receive([frame()])
    assert len(seen) == 2
    daemon.aggregator.levels = LevelFilter(frozenset({"error"}))
    daemon.receive([frame()])
    assert len(seen) == 2
    assert daemon.metrics.total("zibrato.intake.filtered") == 1


@pytest.mark.parametrize("now", [NOW - 3600, NOW + 3 * 3600])
def test_a_clock_that_is_set_has_it_decoded_anew(
    now: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = undecoded(monkeypatch)
    daemon = Daemon()
    daemon.receive([frame()])
    daemon.clock.rightNow = now
    daemon.receive([frame()])
    assert seen == []
    assert daemon.metrics.total("zibrato.intake.timestamp_clamped") == 1


def test_clients_are_forgotten_where_they_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_samples, "MAX_CLIENTS", 2)
    seen = undecoded(monkeypatch)
    daemon = Daemon()
    clients = [frame(client=client) for client in "abc"]
    for one in clients:
        daemon.receive([one])
    daemon.receive(clients)
    assert seen == clients[2:]


def test_spellings_of_a_row_are_bounded() -> None:
    daemon = Daemon()
    for number in range(100):
        daemon.receive([frame(level="debug".replace("e", "eE"[number % 2]), client=f"c{number}")])
    assert len(daemon.aggregator.span.interval.rows) <= 2 * daemon.aggregator.open_series


class BuggyTests(SynchronousTestCase):
    """What runs into a bug costs one frame, and not the intake."""

    def test_a_bug_is_counted(self) -> None:
        daemon = Daemon()
        daemon.receive([frame()])
        patch = self.patch(Accumulator, "add_one", None)
        daemon.receive([frame(), frame(client="other")])
        assert len(self.flushLoggedErrors(TypeError)) == 1
        assert daemon.metrics.total("zibrato.intake.rejected", reason="fault") == 2
        patch.restore()
        daemon.receive([frame()])
        assert daemon.aggregator.pending == 2
