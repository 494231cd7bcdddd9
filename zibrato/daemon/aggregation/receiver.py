"""Decodes the frames of all intakes and has them aggregated."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from math import nan

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from zibrato.daemon.aggregation.aggregator import Aggregator
from zibrato.daemon.aggregation.gathering import Gatherer
from zibrato.daemon.aggregation.intervals import Content
from zibrato.daemon.aggregation.single_samples import SingleSamples
from zibrato.daemon.aggregation.text_lines import TextLines
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.lines import LineReader
from zibrato.model import SummaryRow
from zibrato.snapshot_parts import SnapshotPart, decode_part, summary_rows
from zibrato.wire import MAX_FRAME, Batch, decode_batch


class Receiver:
    """Decodes frames, and hands their content to the aggregator with the time of their arrival.

    A batch is aggregated at once. Text lines are gathered; call `flush` before closing an interval.
    `note` is called with the start of an interval and what was added to it, as frames or decoded.
    `is_new` says whether a batch of an acknowledged client is to be aggregated.
    """

    _log = Logger()

    def __init__(
        self,
        aggregator: Aggregator,
        metrics: SelfMetrics,
        clock: IReactorTime,
        note: Callable[[float, Sequence[Content | bytes]], None] = lambda _start, _contents: None,
        is_new: Callable[[Batch | SnapshotPart], bool] = lambda _batch: True,
    ) -> None:
        self._is_new = is_new
        self._aggregator = aggregator
        self._metrics = metrics
        self._clock = clock
        self._note = note
        self._quiet_until = 0.0
        self._gatherers: list[Gatherer] = []
        self._single = SingleSamples(aggregator, metrics)
        self._text = self.gatherer(TextLines())

    def gatherer(self, reader: LineReader) -> Gatherer:
        """Return a gatherer for the lines that `reader` can read."""
        interval = self._aggregator.interval
        gatherer = Gatherer(reader, self._take, self._clock, interval)
        self._gatherers.append(gatherer)
        return gatherer

    def flush(self) -> None:
        """Aggregate all waiting lines."""
        for gatherer in self._gatherers:
            gatherer.flush()

    def receive(self, frames: Sequence[bytes]) -> None:
        """Take frames with any content; never raises.

        Frames that can't be read are counted by reason, and so are frames that run into a bug. A
        bug must cost only one frame: the reactor may drop an intake that raises an exception.
        """
        now = self._clock.seconds()
        taken, others = self._single.take(frames, now)
        start = self._aggregator.span.start if taken else nan
        for frame in others:
            # Text starts with ASCII. Blank and too long frames are rejected below, as a whole.
            if frame and frame[0] < 0x80 and not frame.isspace() and len(frame) <= MAX_FRAME:
                self._text.add(frame)
                continue
            try:
                batch = decode_batch(frame)
                if isinstance(batch, str):
                    begun = self._receive_other(frame, batch, now)
                elif batch.acknowledged is None or self._is_new(batch):
                    begun = self._aggregator.add(batch, now)
                    self._single.remember(frame, batch)
                else:
                    begun = None
            except Exception:
                self._fail(1, now)
                continue
            if begun != start:  # rare: frames that arrive together mostly are of one interval
                if begun is None:
                    continue
                if taken:
                    self._note(start, taken)
                start, taken = begun, []
            taken.append(frame)
        if taken:
            self._note(start, taken)

    def _receive_other(self, frame: bytes, reason: str, now: float) -> float | None:
        """Take a frame that is no batch; return the start of its interval, None if it has none."""
        if reason == "version":
            return self._receive_part(frame, now)
        self.reject(1, reason)
        return None

    def _receive_part(self, frame: bytes, now: float) -> float | None:
        """Aggregate a part of another daemon's snapshot, unless it is a repeat.

        Returns what `_receive_other` returns. A part for which there is no room isn't noted as
        taken, so the other daemon sends it again.
        """
        part = decode_part(frame)
        if isinstance(part, str):
            self.reject(1, part)
        elif not self._aggregator.has_room(part.when):
            self._metrics.count("zibrato.intake.postponed")
        elif self._is_new(part):
            rows, rejected = summary_rows(part)
            for reason, count in rejected.items():
                self.reject(count, reason)
            return self._aggregator.add_shipped(rows, part.when, now)
        return None

    def receive_summaries(self, rows: Sequence[SummaryRow]) -> Counter[str]:
        """Aggregate rows; return how many were rejected or dropped, by reason; never raises."""
        now = self._clock.seconds()
        taken: defaultdict[float, list[SummaryRow]] = defaultdict(list)
        try:
            lost = self._aggregator.add_summaries(rows, now, lambda at, row: taken[at].append(row))
            for start, some in taken.items():
                self._note(start, [some])
        except Exception:
            self._fail(1, now)
            return Counter(fault=len(rows))
        return lost

    def reject(self, count: int, reason: str) -> None:
        """Count rejected measurements; `reason` is one word."""
        self._metrics.received(count)
        self._metrics.rejected(count, reason)

    def _take(self, reader: LineReader, when: float) -> None:
        """Aggregate gathered lines; a bug loses those that aren't aggregated yet."""
        lines = reader.pending
        try:
            gathered = reader.take(when)
            for reason, count in gathered.rejected.items():
                self.reject(count, reason)
            for batch in gathered.batches:
                start = self._aggregator.add(batch, when)
                self._note(start, [batch])
        except Exception:
            self._fail(lines, when)

    def _fail(self, count: int, now: float) -> None:
        """Count input that ran into a bug, and log the traceback.

        It is logged at most once an interval, since a sender may repeat such input at any rate.
        """
        self.reject(count, "fault")
        interval = self._aggregator.interval
        if not now < self._quiet_until <= now + interval:  # also logs after a clock was set back
            self._quiet_until = now // interval * interval + interval
            self._log.failure(
                "a frame could not be processed; others in this interval are not logged"
            )
