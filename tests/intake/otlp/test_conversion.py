"""Requests to rows, by kind and temporality, and what of them is rejected."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import pytest

from tests.intake.otlp.messages import (
    CUMULATIVE,
    NOW,
    SECOND,
    Object,
    attributes,
    counter,
    gauge,
    histogram,
    message,
    point,
)
from zibrato.intake.otlp import conversion
from zibrato.intake.otlp.conversion import Converted, convert
from zibrato.intake.otlp.encoding import JSON, decode
from zibrato.intake.otlp.streams import Streams
from zibrato.model import COUNTER, GAUGE, TIMER, Summary, SummaryRow

HALF: dict[str, Any] = {"count": "2", "sum": 30.0, "min": 10.0, "max": 20.0}
EXPLICIT: dict[str, Any] = {**HALF, "explicitBounds": [0, 15], "bucketCounts": ["0", "1", "1"]}
EXPONENTIAL: dict[str, Any] = {
    **HALF, "scale": 0, "zeroCount": 0, "positive": {"offset": 3, "bucketCounts": ["1", "1"]}
}  # fmt: skip


class Intake:
    """What converts requests at the time of the tests, of processes that began after it."""

    def __init__(self) -> None:
        self.streams = Streams(int((NOW - 1000) * SECOND))

    def convert(self, *metrics: Object, resource: Sequence[Object] = ()) -> Converted:
        return convert(message(*metrics, resource=resource), self.streams, NOW)

    def rows(self, *metrics: Object, resource: Sequence[Object] = ()) -> list[SummaryRow]:
        converted = self.convert(*metrics, resource=resource)
        assert not converted.rejected
        return converted.rows

    def reasons(self, *metrics: Object) -> dict[str, int]:
        converted = self.convert(*metrics)
        assert converted.rows == []
        return dict(converted.rejected)


def counts(rows: Sequence[SummaryRow]) -> list[float]:
    assert {row.kind for row in rows} <= {COUNTER}
    return [row.summary.sum for row in rows]


def cumulative(value: float, time: float, **rest: Any) -> Object:
    return counter(point(NOW - 60, NOW + time, asDouble=value, **rest), temporality=CUMULATIVE)


def test_a_row_has_all_that_identifies_a_series() -> None:
    tags = {"route": "/", "level": "warn"}
    (row,) = Intake().rows(
        counter(point(time=NOW - 3, tags=tags, asInt="5")),
        resource=attributes(host_name="box", service_name="shop"),
    )
    named = {"route": "/", "service.name": "shop"}
    assert row == SummaryRow(COUNTER, "c", "warn", "box", named, NOW - 3, Summary(1, 5.0))


def test_what_names_no_level_source_or_time_has_the_usual_ones() -> None:
    (row,) = Intake().rows(counter({"asInt": 1}))
    assert (row.level, row.source, row.tags, row.when) == ("info", None, {}, NOW)


def test_growth_is_counted_as_it_is() -> None:
    rows = Intake().rows(counter(point(asInt="5"), point(asDouble=-0.5), point(asInt="0")))
    assert counts(rows) == [5.0, -0.5, 0.0]


def test_totals_are_counted_by_how_much_they_grew() -> None:
    intake = Intake()
    given = [(0, 0), (1, 5), (2, 5), (3, 12), (4, 1), (4, 1)]
    rows = [intake.rows(cumulative(value, time)) for time, value in given]
    assert [counts(each) for each in rows] == [[0], [5], [], [7], [1], []]


def test_of_a_total_histogram_with_other_buckets_nothing_is_known() -> None:
    intake = Intake()
    other: dict[str, Any] = {**EXPLICIT, "explicitBounds": [0, 16]}
    for time, given in enumerate((EXPLICIT, EXPLICIT, other, other)):
        point_at = point(NOW - 60, NOW + time, **given)
        made = intake.convert(histogram(point_at, temporality=CUMULATIVE))
        assert len(made.rows) == (time == 0)
        assert made.rejected == ({"buckets": 1} if time == 2 else {})


def test_what_may_go_down_is_a_gauge() -> None:
    for value in (7, 4):
        made = counter(point(asInt=value), temporality=CUMULATIVE, monotonic=False)
        (row,) = Intake().rows(made)
        assert (row.kind, row.summary.last) == (GAUGE, value)


def test_a_gauge_is_a_reading() -> None:
    (row,) = Intake().rows(gauge(point(asDouble=-2.5)))
    assert row.kind == GAUGE
    assert row.summary == Summary(1, -2.5, -2.5, -2.5, 6.25, -2.5)


@pytest.mark.parametrize(
    ("kind", "data"), [("histogram", EXPLICIT), ("exponentialHistogram", EXPONENTIAL)]
)
def test_a_histogram_is_a_timer_in_seconds(kind: str, data: dict[str, Any]) -> None:
    for unit, factor in {"s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60, "By": 1}.items():
        (row,) = Intake().rows(histogram(point(**data), unit=unit, kind=kind))
        summary = row.summary
        assert (row.kind, summary.count) == (TIMER, 2)
        seconds = [value / factor for value in (summary.sum, summary.min, summary.max)]
        assert seconds == pytest.approx([30, 10, 20])
        assert summary.distribution is not None
        assert summary.distribution.count == 2


@pytest.mark.parametrize(
    ("kind", "data"), [("histogram", EXPLICIT), ("exponentialHistogram", EXPONENTIAL)]
)
def test_of_a_total_histogram_what_is_new_is_a_timer(kind: str, data: dict[str, Any]) -> None:
    intake = Intake()
    doubled: dict[str, Any] = {
        **data, "count": "4", "sum": 60.0,
        **({"bucketCounts": ["0", "2", "2"]} if kind == "histogram" else
           {"positive": {"offset": 3, "bucketCounts": ["2", "2"]}}),
    }  # fmt: skip
    got = []
    for time, given in ((0, data), (1, doubled), (2, doubled), (3, data)):
        made = point(NOW - 60, NOW + time, **given)
        got.append(intake.rows(histogram(made, temporality=CUMULATIVE, kind=kind)))
    assert [[(row.summary.count, row.summary.sum) for row in rows] for rows in got] == [
        [(2, 30.0)], [(2, 30.0)], [], [(2, 30.0)]
    ]  # fmt: skip


def test_a_histogram_without_a_measurement_is_none() -> None:
    data: dict[str, Any] = {"count": 0, "sum": 0, "explicitBounds": [1], "bucketCounts": [0, 0]}
    assert Intake().rows(histogram(point(**data))) == []


def test_a_summary_is_gauges() -> None:
    quantiles = [{"quantile": 0.5, "value": 2.0}, {"quantile": 0.99, "value": 9.0}]
    data = point(tags={"a": "b"}, count="3", sum=7.0, quantileValues=quantiles)
    rows = Intake().rows({"name": "s", "summary": {"dataPoints": [data]}})
    assert [(row.name, row.tags, row.summary.last) for row in rows] == [
        ("s", {"a": "b", "quantile": "0.5"}, 2.0), ("s", {"a": "b", "quantile": "0.99"}, 9.0),
        ("s.count", {"a": "b"}, 3.0), ("s.sum", {"a": "b"}, 7.0),
    ]  # fmt: skip
    assert {row.kind for row in rows} == {GAUGE}


def test_what_has_no_value_is_passed_over() -> None:
    empty = point(flags=1)
    assert Intake().rows(gauge(empty), counter(empty), histogram(empty), {"name": "n"}) == []


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_a_value_that_is_not_finite_costs_its_point_alone(value: str) -> None:
    made = Intake().convert(gauge(point(asDouble=value), point(asDouble=1)), counter(point()))
    assert [row.summary.last for row in made.rows] == [1.0]
    assert made.rejected == {"value": 2}
    quantiles = [{"quantile": 0.5, "value": value}]
    data = point(count=1, sum=1, quantileValues=quantiles)
    assert Intake().reasons({"name": "s", "summary": {"dataPoints": [data]}}) == {"value": 1}


def test_what_names_no_temporality_is_rejected() -> None:
    explicit, exponential = point(**EXPLICIT), point(**EXPONENTIAL)
    assert Intake().reasons(
        counter(point(asInt=1), temporality=0),
        histogram(explicit, explicit, temporality=0),
        histogram(exponential, temporality=7, kind="exponentialHistogram"),
    ) == {"temporality": 4}


def test_less_than_nothing_is_no_duration() -> None:
    negative: dict[str, Any] = {**EXPONENTIAL, "negative": {"offset": 0, "bucketCounts": ["1"]}}
    made = histogram(point(**negative), kind="exponentialHistogram")
    assert Intake().reasons(made, histogram(point(**{**EXPLICIT, "min": -1}))) == {"value": 2}


@pytest.mark.attack("more data points than any application has", before="there was no OTLP")
def test_points_past_a_bound_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "MAX_POINTS", 3)
    one = point(asInt=1)
    made = Intake().convert(counter(one, one), counter(one, one), gauge(one))
    assert len(made.rows) == 3
    assert made.rejected == {"points": 2}


def test_buckets_take_room_as_points_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "MAX_POINTS", 10)
    explicit = point(count=0, explicitBounds=[*range(31)], bucketCounts=[0] * 32)
    buckets = {"offset": 0, "bucketCounts": [0] * 32}
    exponential = point(count=0, scale=0, positive=buckets)
    assert Intake().reasons(histogram(explicit, explicit, explicit)) == {"points": 1}
    made = histogram(exponential, exponential, exponential, kind="exponentialHistogram")
    assert Intake().reasons(made) == {"points": 1}


def test_quantiles_take_room_as_points_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "MAX_POINTS", 10)
    data = [point(count=1, quantileValues=[{}] * number) for number in (4, 5, 0)]
    made = Intake().convert({"name": "s", "summary": {"dataPoints": data}})
    assert len(made.rows) == 6
    assert made.rejected == {"points": 2}


@pytest.mark.attack("long names of many points", before="each row had a copy of 2 MB")
def test_a_name_that_is_too_long_is_in_no_row() -> None:
    data = [point(count=1), point(count=1)]
    for name in ("s" * 256, ""):
        assert Intake().reasons({"name": name, "summary": {"dataPoints": data}}) == {"name": 2}


@pytest.mark.attack("attributes that many points share", before="more than an hour for 4 MB")
def test_what_points_share_is_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = []

    def counted(data: bytes, digest_size: int) -> Any:
        hashed.append(len(data))
        return blake2b(data, digest_size=digest_size)

    monkeypatch.setattr("zibrato.intake.otlp.attributes.blake2b", counted)
    shared = attributes(**{f"k{number}": "v" for number in range(1000)})
    metrics = [cumulative(1, 0, tags={"a": str(number)}) for number in range(1000)]
    assert len(Intake().rows(*metrics, resource=shared)) == 1000
    assert sum(hashed) < 500_000


@pytest.mark.attack("millions of empty resources", before="16 s for 4 kB")
def test_what_has_no_points_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(conversion, "resource_of")
    assert Intake().rows(counter(), gauge(), {"name": "n"}, resource=attributes(a="b")) == []
    assert convert(decode(JSON, b'{"resourceMetrics":[{}]}'), Intake().streams, NOW).rows == []


def test_streams_are_forgotten_in_time() -> None:
    intake = Intake()
    intake.rows(cumulative(5, 0))
    later = NOW + 100_000
    convert(message(), intake.streams, later)
    assert len(intake.streams) == 0


def test_units_are_those_of_metrics_that_have_rows() -> None:
    summary = {"name": "s", "unit": "By", "summary": {"dataPoints": [point(count=2, sum=3.0)]}}
    made = Intake().convert(
        {**counter(point(asInt=1)), "unit": "{requests}"},
        {**counter(point(asDouble="NaN"), name="rejected"), "unit": "By"},
        {**counter(point(asInt=1), name="n" * 256), "unit": "By"},
        histogram(point(**EXPLICIT), unit="ms"),
        summary,
    )
    assert made.units == {"c": "requests", "s.sum": "B"}
