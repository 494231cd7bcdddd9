"""What a drain takes: rows for a batch, made of just what the encoder takes."""

from __future__ import annotations

from array import array
from itertools import chain

from zibrato.model import MAX_EXACT_INT, TIMER, Series, bounded
from zibrato.wire import CounterRow, SampleRow, pack

ROW_COST = 16
"""How many samples' worth of memory a row takes beside its samples."""
MAX_IDENTITY = 100_000
"""Bytes that the name, source, level and tags of a series may have: far below a frame's."""


class Rows:
    """Rows for one batch, and how many samples they hold."""

    __slots__ = ("counters", "gauges", "samples", "timers")

    def __init__(self) -> None:
        self.counters: list[CounterRow] = []
        self.timers: list[SampleRow] = []
        self.gauges: list[SampleRow] = []
        self.samples = 0

    def __len__(self) -> int:
        return len(self.counters) + len(self.timers) + len(self.gauges)

    @property
    def cost(self) -> int:
        """About how many samples' worth of memory they take."""
        return self.samples + len(self) * ROW_COST

    @property
    def measurements(self) -> int:
        """How many measurements they hold."""
        return self.samples + sum(row.count for row in self.counters)

    def add_count(self, series: Series, events: int, total: float) -> None:
        """Add `events` increments, `total` together."""
        self.counters.append(CounterRow(*_identity(series), events, encodable(total)))

    def add_samples(self, series: Series, samples: array[float]) -> None:
        """Add samples of a timer or a gauge."""
        rows = self.timers if series.kind == TIMER else self.gauges
        rows.append(SampleRow(*_identity(series), pack(samples)))
        self.samples += len(samples)


def _identity(series: Series) -> tuple[str, str, str | None, dict[str, str]]:
    return series.name, series.level, series.source or None, dict(series.tags)


def encodable(total: float) -> float:
    """Return `total` as the encoder takes it: no subclass, no huge int, no infinity."""
    return total if type(total) is int and abs(total) <= MAX_EXACT_INT else float(bounded(total))


def plain(series: Series) -> Series:
    """Return `series` of exact strings, which alone the encoder takes.

    Raises TypeError for an identity that isn't all text, ValueError for one that can't be encoded
    or is too long to be sent.
    """
    kind, name, source, tags, level = series
    copy = Series(
        kind,
        str.__str__(name),  # unlike str(), raises for what is no text, and ignores a subclass's own
        str.__str__(source),
        tuple([(str.__str__(key), str.__str__(value)) for key, value in tags]),
        str.__str__(level),
    )
    texts = (copy.name, copy.source, copy.level, *chain.from_iterable(copy.tags))
    size = len("".join(texts).encode())
    if size > MAX_IDENTITY:
        raise ValueError(f"expected at most {MAX_IDENTITY} bytes of name and tags, got {size}")
    return copy
