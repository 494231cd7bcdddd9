"""Rows for a batch, as a drain takes them, with only the types that the encoder accepts."""

from __future__ import annotations

from array import array
from itertools import chain

from zibrato.model import MAX_EXACT_INT, TIMER, Series, bounded
from zibrato.wire import CounterRow, SampleRow, pack

ROW_COST = 16
"""The memory of a row in addition to its samples, measured in samples."""
MAX_IDENTITY = 100_000
"""The most bytes of a series' name, source, level and tags, far below those of a frame."""


class Rows:
    """Rows for one batch, and how many samples they contain."""

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
        """About how much memory they take, measured in samples."""
        return self.samples + len(self) * ROW_COST

    @property
    def measurements(self) -> int:
        """How many measurements they contain."""
        return self.samples + sum(row.count for row in self.counters)

    def add_count(self, series: Series, events: int, total: float) -> None:
        """Add `events` increments, whose sum is `total`."""
        self.counters.append(CounterRow(*_identity(series), events, encodable(total)))

    def add_samples(self, series: Series, samples: array[float]) -> None:
        """Add samples of a timer or a gauge."""
        rows = self.timers if series.kind == TIMER else self.gauges
        rows.append(SampleRow(*_identity(series), pack(samples)))
        self.samples += len(samples)


def _identity(series: Series) -> tuple[str, str, str | None, dict[str, str]]:
    return series.name, series.level, series.source or None, dict(series.tags)


def encodable(total: float) -> float:
    """Return `total` as the encoder accepts it: no subclass, no huge int, no infinity."""
    return total if type(total) is int and abs(total) <= MAX_EXACT_INT else float(bounded(total))


def plain(series: Series) -> Series:
    """Return `series` with exact strings: the encoder accepts nothing else.

    Raises TypeError if the identity isn't all text, and ValueError if it can't be encoded or is too
    long to be sent.
    """
    kind, name, source, tags, level = series
    copy = Series(
        kind,
        str.__str__(name),  # unlike str(), raises for other types, ignores overriding
        str.__str__(source),
        tuple([(str.__str__(key), str.__str__(value)) for key, value in tags]),
        str.__str__(level),
    )
    texts = (copy.name, copy.source, copy.level, *chain.from_iterable(copy.tags))
    size = len("".join(texts).encode())
    if size > MAX_IDENTITY:
        raise ValueError(f"expected at most {MAX_IDENTITY} bytes of name and tags, got {size}")
    return copy
