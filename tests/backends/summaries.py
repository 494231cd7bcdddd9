"""Short ways to summaries."""

from __future__ import annotations

from zibrato.distribution import Distribution
from zibrato.model import Summary


def timed(*samples: float) -> Summary:
    """Return the summary of a timer's samples, in seconds."""
    squares = sum(sample * sample for sample in samples)
    least, most = min(samples), max(samples)
    total = sum(samples)
    return Summary(len(samples), total, least, most, squares, samples[-1], Distribution(samples))
