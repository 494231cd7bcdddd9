"""Write samples as lines of Prometheus's text format, which are the same in OpenMetrics; pure."""

from __future__ import annotations

from collections.abc import Sequence

from zibrato.backends.prometheus.classic import BOUNDS
from zibrato.backends.prometheus.names import labels_of
from zibrato.model import Series

__all__ = ["LE", "escaped", "histogram_lines", "labels_text", "sample_line"]

LE = (*map(repr, BOUNDS), "+Inf")
"""The bounds of buckets as label values."""


def labels_text(series: Series) -> str:
    """Return all labels of a translated series; an empty label is equivalent to none."""
    texts = labels_of(series).items()
    return ",".join(f'{label}="{escaped(text)}"' for label, text in texts if text)


def sample_line(name: str, labels: str, value: float, when: int | None = None) -> str:
    """Return the line of a sample, with its time in Unix seconds if it isn't the current time."""
    return f"{name}{{{labels}}} {value!r}{_time(when)}\n"


def histogram_lines(
    name: str, labels: str, counts: Sequence[int], total: float, when: int | None = None
) -> str:
    """Return the lines of a histogram; `counts` are the measurements up to each bound of LE."""
    time = _time(when)
    bucket = f'{name}_bucket{{{labels}{"," if labels else ""}le="'
    buckets = [f'{bucket}{le}"}} {count}{time}\n' for le, count in zip(LE, counts, strict=True)]
    number = sample_line(f"{name}_count", labels, counts[-1], when)
    return f"{''.join(buckets)}{number}{sample_line(f'{name}_sum', labels, total, when)}"


def escaped(text: str) -> str:
    """Return a text escaped for quotes."""
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _time(when: int | None) -> str:
    return "" if when is None else f" {when}"
