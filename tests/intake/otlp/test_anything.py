"""Whatever a request holds: it is rejected, or all that is aggregated of it is finite."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import inf, isfinite
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from tests.daemon.aggregation.aggregators import Setup
from tests.intake.otlp.messages import (
    CUMULATIVE,
    NOW,
    attributes,
    content,
    counter,
    gauge,
    histogram,
    message,
    point,
)
from tests.soak import rounds, some
from zibrato.intake.otlp.conversion import convert
from zibrato.intake.otlp.encoding import JSON, PROTOBUF, decode
from zibrato.intake.otlp.streams import Streams
from zibrato.model import COUNTER

EXTREMES: dict[str, Any] = {"min": 1.0, "max": 20.0, "sum": 30.0}
EXPLICIT = point(count=2, **EXTREMES, explicitBounds=[0, 15], bucketCounts=[0, 1, 1])
EXPONENTIAL = point(
    count=3, **EXTREMES, scale=0, zeroCount=1, zeroThreshold=0.5,
    positive={"offset": 3, "bucketCounts": [1, 1]}, negative={"offset": 1, "bucketCounts": [0]},
)  # fmt: skip
QUANTILES = [{"quantile": 0.5, "value": 1.0}]
NESTED = {"kvlistValue": {"values": [{"key": "a", "value": {"arrayValue": {"values": []}}}]}}
METRICS = (
    counter(point(asInt=5, tags={"a": "b", "level": "warn"}), temporality=CUMULATIVE),
    counter(point(asDouble=1.0)),
    gauge(point(asInt=1)),
    histogram(EXPLICIT, temporality=CUMULATIVE),
    histogram(EXPONENTIAL, EXPONENTIAL, temporality=CUMULATIVE, kind="exponentialHistogram"),
    {"name": "s", "summary": {"dataPoints": [point(count=1, sum=1.0, quantileValues=QUANTILES)]}},
)
RESOURCE = [*attributes(host_name="box"), {"key": "k", "value": NESTED}]
GOOD = content(*METRICS, resource=RESOURCE)
GOOD_BYTES = message(*METRICS, resource=RESOURCE).SerializeToString()
VALUES: tuple[Any, ...] = (
    None, True, -1, 2**53 + 1, 2**64 - 1, 10**400, -1e308, 5e-324, "NaN", "-Infinity", "\ud800",
    "x" * 300, [], {}, [{}], [2**63], -(2**31),
)  # fmt: skip


def each_part_replaced(value: Any) -> Iterator[Any]:
    """Generate a body with each value in place of each of its parts, at any depth."""
    yield from VALUES
    if isinstance(value, dict):
        for key, part in value.items():
            for other in each_part_replaced(part):
                yield {**value, key: other}
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            for other in each_part_replaced(part):
                yield [*value[:index], other, *value[index + 1 :]]


class Intake:
    """A daemon's aggregator, and what turns requests into its rows."""

    def __init__(self) -> None:
        self.setup = Setup()
        self.streams = Streams(0)

    def take(self, kind: bytes, body: bytes) -> None:
        try:
            request = decode(kind, body)
        except ValueError:
            return
        rows, rejected, _ = convert(request, self.streams, NOW)
        assert all(count > 0 and reason.isalpha() for reason, count in rejected.items())
        self.setup.aggregator.add_summaries(rows, NOW)

    def check(self) -> None:
        """Assert that what was aggregated is sound, and that nothing is unaccounted for."""
        for snapshot in self.setup.close(inf):
            for series, summary in snapshot.summaries.items():
                assert all(map(isfinite, astuple(summary)[:6])), (series, summary)
                if series.kind != COUNTER:
                    assert summary.min <= summary.max
        self.setup.account()


@pytest.mark.soak
@pytest.mark.attack("any value in each place of OTLP's JSON", before="there was no OTLP")
def test_each_value_in_each_place_is_rejected_or_sound() -> None:
    for body in some([*each_part_replaced(GOOD)], 0):
        intake = Intake()
        intake.take(JSON, json.dumps(body).encode())
        intake.check()


@settings(max_examples=rounds(5_000))
@given(st.data())
@pytest.mark.attack("OTLP's protobuf with bytes changed", before="there was no OTLP")
def test_bytes_that_were_changed_are_rejected_or_sound(data: st.DataObject) -> None:
    body = bytearray(GOOD_BYTES)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=9))
    intake = Intake()
    intake.take(PROTOBUF, bytes(body))
    intake.take(PROTOBUF, GOOD_BYTES)
    intake.check()
