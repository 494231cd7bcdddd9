"""Reads lines of statsd and DogStatsD, gathered by name and tail.

The tail is everything behind the value. docs/reference/statsd.rst says how lines are read on which
other daemons disagree.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from operator import truediv

from zibrato.intake.statsd_events import CHECK, EVENT, parse_check, parse_event
from zibrato.intake.statsd_heads import Head, HeadError, Identity, parse_head
from zibrato.lines import Gathered, LineBatch, RepeatedRow, SetRow, number, numbers, packed
from zibrato.model import COUNTER, GAUGE, SET, Annotation, bounded
from zibrato.wire import CounterRow, SampleRow

MAX_HEADS_BYTES = 100_000_000
"""Approximate bytes of memory for cached heads; bounded, because senders choose them."""
MAX_GAUGES = 100_000
"""The most gauges whose last value is known, to which signed values are added; the gauges that
changed last are kept."""
_HEAD_BYTES = 1000


class StatsdLines:
    """Reads lines of statsd; `level` is the default of lines without a tag `level`.

    `annotate` gets the annotations of events and service checks. It returns None, or the reason if
    it rejects one.
    """

    def __init__(self, level: str, annotate: Callable[[Annotation], str | None]) -> None:
        self.pending = 0
        self._level = level
        self._annotate = annotate
        self._values: defaultdict[bytes, list[bytes]] = defaultdict(list)
        self._rejected: Counter[str] = Counter()
        self._heads: dict[tuple[bytes, bytes], Head | str] = {}
        self._heads_bytes = 0
        self._gauges: dict[Identity, float] = {}
        self._batches: dict[float, LineBatch] = {}
        self._spread = 0.0

    @property
    def heads(self) -> int:
        """Approximately how many different heads the waiting lines have.

        The estimate assumes as many heads per line as in the lines of the last `take`.
        """
        return max(len(self._values), int(self._spread * self.pending))

    def split(self, frames: Sequence[bytes]) -> None:
        """Split frames into lines."""
        values = self._values
        lines = b"\n".join(frames).split(b"\n")
        for line in lines:
            name, _, rest = line.partition(b":")
            values[name].append(rest)
        self.pending += len(lines)

    def take(self, when: float) -> Gathered:
        """Return what was gathered, begin again, and hand annotations to `annotate`."""
        values, self._values = self._values, defaultdict(list)
        self._batches = {}  # any old ones ran into a bug, and their lines count as rejected
        lines, self.pending, heads = self.pending, 0, 0
        for name, rests in values.items():
            if name.startswith((EVENT, CHECK)):
                for rest in rests:
                    self._note(name + b":" + rest if rest else name, when)
            elif b"|" in name:  # a bar in front of the colon, or no colon at all
                self._rejected["fields"] += len(rests)
            else:
                for tail, texts in _by_tail(rests):
                    self._add(name, tail, texts, when)
                    heads += 1
        self._spread = heads / max(lines, 1)
        rejected, self._rejected = +self._rejected, Counter()
        return Gathered(list(self._batches.values()), rejected)

    def _note(self, line: bytes, when: float) -> None:
        """Hand the annotation of an event or a service check to `annotate`."""
        try:
            parse = parse_event if line.startswith(EVENT) else parse_check
            reason = self._annotate(parse(line, when))
        except HeadError as error:
            reason = str(error)
        if reason:
            self._rejected[reason] += 1

    def _add(self, name: bytes, tail: bytes, texts: Sequence[bytes], when: float) -> None:
        """Add the values of lines with the same name and tail."""
        if b":" in tail.partition(b"|")[0]:
            for text in texts:
                self._unpack(name, text + b"|" + tail, when)
            return
        if not tail:
            blank = b"" if name.strip() else None
            self._rejected["fields"] += sum(1 for text in texts if text.strip() or text == blank)
            return
        head = self._heads.get((name, tail)) or self._parse(name, tail)
        if isinstance(head, Head):
            start = when if head.when is None else head.when
            batch = self._batches.get(start)
            if batch is None:
                batch = self._batches[start] = LineBatch(start, start)
            self._add_values(batch, head, texts)
        else:
            self._rejected[head] += len(texts)

    def _parse(self, name: bytes, tail: bytes) -> Head | str:
        """Return the head of a name and a tail, or the reason why it is invalid; cache it."""
        head: Head | str
        try:
            head = parse_head(name, tail, self._level)
        except HeadError as error:
            head = str(error)
        size = _HEAD_BYTES + 4 * (len(name) + len(tail))
        if size < 10 * _HEAD_BYTES:
            self._heads_bytes += size
            if self._heads_bytes > MAX_HEADS_BYTES:
                self._heads.clear()
                self._heads_bytes = size
            self._heads[name, tail] = head
        return head

    def _unpack(self, name: bytes, rest: bytes, when: float) -> None:
        """Add the values of `name:1|c:2|c`, in which each value has its own tail."""
        for tail, texts in _by_tail(rest.split(b":")):
            self._add(name, tail, texts, when)

    def _add_values(self, batch: LineBatch, head: Head, texts: Sequence[bytes]) -> None:
        name, level, source, tags = head.identity
        where = (name, level, source, dict(tags))
        if head.kind == SET:
            valid = [text for text in texts if text]
            self._rejected["value"] += len(texts) - len(valid)
            batch.sets += [SetRow(*where, valid)] if valid else []
        elif head.kind == GAUGE:
            readings = self._readings(head.identity, texts)
            batch.gauges += [SampleRow(*where, packed(readings))] if readings else []
        elif floats := self._floats(texts):
            if head.kind == COUNTER:
                total = bounded(sum(floats) * head.weight)
                batch.counters.append(CounterRow(*where, head.times(len(floats)), total))
                return
            if head.divisor != 1:
                floats = list(map(truediv, floats, repeat(head.divisor)))
            if head.weight == 1:
                batch.timers.append(SampleRow(*where, packed(floats)))
            else:
                self._add_sampled(batch, head, floats)

    def _add_sampled(self, batch: LineBatch, head: Head, floats: list[float]) -> None:
        """Add samples that each stand for several."""
        name, level, source, tags = head.identity
        valid = [sample for sample in floats if sample >= 0]
        self._rejected["value"] += len(floats) - len(valid)
        times = [head.times(1) for _ in valid]
        if valid:
            batch.repeated.append(RepeatedRow(name, level, source, dict(tags), valid, times))

    def _floats(self, texts: Sequence[bytes]) -> list[float]:
        """Return the numbers, including those of lines with several values; reject others."""
        floats = numbers(texts)
        if floats is None:
            parts = self._parts(texts)
            maybe = [number(part) for part in parts]
            floats = [value for value in maybe if value is not None]
            self._rejected["value"] += len(maybe) - len(floats)
        return floats

    def _parts(self, texts: Sequence[bytes]) -> list[bytes]:
        """Return the values of lines, each of which may have several; reject lines without any."""
        parts = []
        for text in texts:
            filled = [part for part in text.split(b":") if part]
            self._rejected["value"] += not filled
            parts += filled
        return parts

    def _readings(self, identity: Identity, texts: Sequence[bytes]) -> list[float]:
        """Return the readings of a gauge; a value with a sign is added to the last reading."""
        signed = b"-" in b"".join(texts)  # `numbers` itself refuses a plus sign
        readings = None if signed else numbers(texts)
        if readings is None:
            readings = self._signed(identity, texts)
        if readings:
            self._gauges.pop(identity, None)  # so that the dict stays in the order of changes
            self._gauges[identity] = readings[-1]
            if len(self._gauges) > MAX_GAUGES:
                del self._gauges[next(iter(self._gauges))]
        return readings

    def _signed(self, identity: Identity, texts: Sequence[bytes]) -> list[float]:
        readings = []
        last = self._gauges.get(identity, 0.0)
        for part in self._parts(texts):
            value = number(part)
            if value is None:
                self._rejected["value"] += 1
            else:
                last = bounded(last + value) if part[:1] in {b"-", b"+"} else value
                readings.append(last)
        return readings


def _by_tail(rests: Sequence[bytes]) -> Iterable[tuple[bytes, Sequence[bytes]]]:
    """Split what is behind a name into values and tails; return the values by tail.

    Usually all lines of a name have the same tail, and then they are split all at once.
    """
    tail = rests[0].partition(b"|")[2]
    end = b"|" + tail + b"\n"
    joined = b"\n".join(rests) + b"\n"
    if tail and joined.count(b"|") == len(rests) * end.count(b"|"):
        texts = joined.split(end)
        if len(texts) == len(rests) + 1:
            return [(tail, texts[:-1])]
    groups: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for rest in rests:
        text, _, tail = rest.partition(b"|")
        groups[tail].append(text)
    return groups.items()
