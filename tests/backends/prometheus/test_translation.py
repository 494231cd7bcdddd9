"""What arrives under which name, and what is counted instead."""

from __future__ import annotations

from math import inf

from zibrato.backends.prometheus.translation import Part, Translation
from zibrato.model import COUNTER, Series, Snapshot, Summary


def calls(name: str) -> Series:
    return Series(COUNTER, name, "here")


def test_each_interval_has_its_parts_and_the_rest_is_counted() -> None:
    translation = Translation()
    first = {calls("a.b"): Summary(2, 5.0), calls("a-b"): Summary(3, 1.0)}
    second = {calls("a-b"): Summary(1, 1.0), calls("c"): Summary(4, inf)}
    parts = [*translation.parts([Snapshot(0.0, 10.0, first), Snapshot(10.0, 20.0, second)])]
    assert parts == [
        Part(calls("a_b"), Summary(2, 5.0), 0.0, 10.0),
        Part(calls("a_b"), Summary(3, 1.0), 0.0, 10.0),
        Part(calls("a_b"), Summary(1, 1.0), 10.0, 20.0),
    ]
    assert (translation.merged, translation.not_finite) == ({"a-b": 3}, 4)
