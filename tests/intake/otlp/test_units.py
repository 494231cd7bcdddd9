"""OTLP's units in words."""

from __future__ import annotations

import pytest

from zibrato.intake.otlp.units import words_of
from zibrato.model import COUNTER, GAUGE, TIMER


@pytest.mark.parametrize(
    ("kind", "unit", "words"),
    [
        (TIMER, "By", "B"),
        (TIMER, "ms", ""),
        (GAUGE, "ms", "ms"),
        (TIMER, "1", "1"),
        (COUNTER, "{requests}", "requests"),
        (GAUGE, "{request}/s", "request/s"),
        (GAUGE, "MiBy/s", "MiB/s"),
        (GAUGE, "Bypass", "Bypass"),
        (GAUGE, "%", "%"),
        (GAUGE, "Cel", "°C"),
        (COUNTER, "", ""),
        (COUNTER, "{}", ""),
        (COUNTER, "x" * 33, ""),
        (COUNTER, " " * 62 + "By", ""),
        (COUNTER, "a\x1b[1m", ""),
    ],
)
def test_a_unit_is_what_people_read(kind: str, unit: str, words: str) -> None:
    assert words_of(kind, unit) == words
