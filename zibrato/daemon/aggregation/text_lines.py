"""Reads lines of Zibrato's own text format, gathered by what is in front of their values."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from zibrato.daemon.aggregation.text_frame import decode_text
from zibrato.lines import Gathered, LineBatch, numbers, packed
from zibrato.model import COUNTER, KINDS, TIMER, bounded
from zibrato.wire import Batch, CounterRow, SampleRow

MAX_HEADS = 20_000
MAX_HEAD = 1_000
"""The most heads that are cached, and the bytes of one; bounded, because senders choose them."""
_SHORT = 2
"""The number of separators in a head without time and source."""
_BLANK = b" \t\r\v\f"
_Head = tuple[str, str, str]
"""Kind, name and level."""


class TextLines:
    """Reads lines `level|mtype|name|value`; those with more fields as `decode_text` does."""

    def __init__(self) -> None:
        self.pending = 0
        self._values: defaultdict[bytes, list[bytes]] = defaultdict(list)
        self._rejected: Counter[str] = Counter()
        self._heads: dict[bytes, _Head | None] = {}
        self._odd: list[bytes] = []

    @property
    def heads(self) -> int:
        """The number of different heads in the gathered lines."""
        return len(self._values)

    def split(self, frames: Sequence[bytes]) -> None:
        """Split frames into lines; a frame that isn't UTF-8 is rejected as a whole."""
        text = b"\n".join(frames)
        if not text.isascii():
            text = b"\n".join(self._readable(frames))
        values = self._values
        lines = text.split(b"\n")
        for line in lines:
            head, _, value = line.rpartition(b"|")
            if head:
                values[head].append(value)
            else:
                self._odd.append(line)
        self.pending += len(lines)

    def take(self, when: float) -> Gathered:
        """Return what was gathered, and begin again."""
        batch = LineBatch(when, when)
        rejected, self._rejected = self._rejected, Counter()
        values, self._values = self._values, defaultdict(list)
        lines, self._odd = self._odd, []
        self.pending = 0
        for head, texts in values.items():
            known = self._head(head)
            floats = numbers(texts) if known is not None else None
            if known is None or floats is None:
                lines += [b"%b|%b" % (head, text) for text in texts]
            else:
                _append(batch, known, floats)
        return Gathered([batch, *_read(lines, when, rejected)], rejected)

    def _readable(self, frames: Sequence[bytes]) -> list[bytes]:
        readable = []
        for frame in frames:
            try:
                frame.decode()
            except UnicodeDecodeError:
                self._rejected["encoding"] += 1
            else:
                readable.append(frame)
        return readable

    def _head(self, head: bytes) -> _Head | None:
        """Return the parsed head; None if it has to be read together with its values."""
        if head in self._heads:
            return self._heads[head]
        known = _parsed(head)
        if len(head) <= MAX_HEAD:
            if len(self._heads) >= MAX_HEADS:
                self._heads.clear()
            self._heads[head] = known
        return known


def _parsed(head: bytes) -> _Head | None:
    if head.count(b"|") != _SHORT:
        return None
    level, mtype, name = (field.strip(_BLANK).decode() for field in head.split(b"|"))
    kind = mtype.lower()
    return (kind, name, level or "info") if kind in KINDS else None


def _append(batch: LineBatch, head: _Head, floats: list[float]) -> None:
    kind, name, level = head
    if kind == COUNTER:
        row = CounterRow(name, level, None, {}, len(floats), bounded(sum(floats)))
        batch.counters.append(row)
    else:
        samples = SampleRow(name, level, None, {}, packed(floats))
        (batch.timers if kind == TIMER else batch.gauges).append(samples)


def _read(lines: Sequence[bytes], when: float, rejected: Counter[str]) -> Sequence[Batch]:
    """Return batches of whole lines; count in `rejected` the lines that can't be read."""
    decoded = decode_text(b"\n".join(lines), when)
    rejected.update({reason: n for reason, n in decoded.rejected.items() if reason != "empty"})
    return decoded.batches
