"""Converts OTLP's units, which are in UCUM's notation, to words for people; pure."""

from __future__ import annotations

import re
from functools import lru_cache

from zibrato.intake.otlp.histograms import FACTORS
from zibrato.model import TIMER

MAX_LENGTH = 32
MAX_UNIT = 63
"""Characters that OpenTelemetry allows an instrument's unit to have; no longer one is kept."""
_ANNOTATION = re.compile(r"\{([^{}]*)\}")
_BYTES = re.compile(r"By(?![A-Za-z])")


def words_of(kind: str, unit: str) -> str:
    """Return the unit of a series in words, such as `B` or `requests`; `1` means no unit.

    The result is empty if the unit is unknown, too long or unprintable, and for timers in a unit of
    time, because Zibrato's timers are always in seconds.
    """
    return _words_of(kind, unit) if len(unit) <= MAX_UNIT else ""


@lru_cache(1000)
def _words_of(kind: str, unit: str) -> str:
    if kind == TIMER and unit in FACTORS:
        return ""
    if unit == "Cel":
        return "°C"
    words = _BYTES.sub("B", _ANNOTATION.sub(r"\1", unit)).strip()
    return words if words.isprintable() and len(words) <= MAX_LENGTH else ""
