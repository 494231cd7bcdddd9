"""What every intake hands its frames to: from bytes to the aggregator, whatever they hold."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from math import nan

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from zibrato.daemon.aggregation import Aggregator
from zibrato.daemon.gathering import Gatherer
from zibrato.daemon.intervals import Taken
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.daemon.single_samples import SingleSamples
from zibrato.daemon.text_lines import TextLines
from zibrato.lines import LineReader
from zibrato.model import SummaryRow
from zibrato.snapshot_parts import SnapshotPart, decode_part, summary_rows
from zibrato.wire import MAX_FRAME, Batch, decode_batch


class Receiver:
    """Decodes frames and has what they hold aggregated, as of the time at which they came.

    A batch is at once; lines wait for others, and `flush` has them aggregated before an interval
    is closed. `note` is told of all that is taken in, or of the frames of it, and of the start
    of its interval. `is_new` says whether a batch of an acknowledged client is to be aggregated.
    """

    _log = Logger()

    def __init__(
        self,
        aggregator: Aggregator,
        metrics: SelfMetrics,
        clock: IReactorTime,
        note: Callable[[float, Sequence[Taken | bytes]], None] = lambda _start, _taken: None,
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
        """Return what takes in lines that `reader` can read."""
        interval = self._aggregator.interval
        gatherer = Gatherer(reader, self._take, self._clock, interval)
        self._gatherers.append(gatherer)
        return gatherer

    def flush(self) -> None:
        """Have all lines aggregated that wait."""
        for gatherer in self._gatherers:
            gatherer.flush()

    def receive(self, frames: Sequence[bytes]) -> None:
        """Take frames in, whatever they hold; never raises.

        What can't be read is counted by reason. So is what runs into a bug: that must cost one
        frame, not the intake, which may be a reader that the reactor drops at an exception.
        """
        now = self._clock.seconds()
        taken, others = self._single.take(frames, now)
        start = self._aggregator.span.start if taken else nan
        for frame in others:
            # Text starts with ASCII; what is blank or too long is rejected as a whole.
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
            if begun != start:  # which is rare: what comes together is mostly of one interval
                if begun is None:
                    continue
                if taken:
                    self._note(start, taken)
                start, taken = begun, []
            taken.append(frame)
        if taken:
            self._note(start, taken)

    def _receive_other(self, frame: bytes, reason: str, now: float) -> float | None:
        """Take in what is no batch; return when its interval began, None where it has none."""
        if reason == "version":
            return self._receive_part(frame, now)
        self.reject(1, reason)
        return None

    def _receive_part(self, frame: bytes, now: float) -> float | None:
        """Take in what another daemon ships, unless it was before; return as `_receive_other`.

        One for which there is no room isn't noted as taken, so that it comes again.
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
        """Take rows in; return how many were rejected or dropped, by reason; never raises."""
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
        """Count what was turned away, for a reason of one word."""
        self._metrics.received(count)
        self._metrics.rejected(count, reason)

    def _take(self, reader: LineReader, when: float) -> None:
        """Take in what was gathered of lines; a bug costs what wasn't aggregated yet of them."""
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
        """Count what ran into a bug, and log the traceback.

        That once an interval at most: a sender may repeat itself at any rate.
        """
        self.reject(count, "fault")
        interval = self._aggregator.interval
        if not now < self._quiet_until <= now + interval:  # which also tells of a clock set back
            self._quiet_until = now // interval * interval + interval
            self._log.failure("a frame could not be taken in; more this interval go unlogged")
