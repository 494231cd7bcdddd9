"""What a scrape has of running totals, read back by prometheus_client's own parsers."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from zibrato.backends.prometheus.exposition import Format, exposition, format_of
from zibrato.backends.prometheus.names import translated
from zibrato.backends.totals_file import PackedTotal, Total
from zibrato.distribution import Distribution
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Summary

OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2"

ODD = 'a"b\\c\nd\re\x00\u2028é'
ABOUT = f'Say "x"\\\n{ODD}'


def total(value: float, *, is_monotonic: bool = True) -> PackedTotal:
    return PackedTotal.of(Total(0.0, 0.0, 10.0, Summary(1, value, last=value), is_monotonic))


def timer(*samples: float) -> PackedTotal:
    distribution = Distribution(samples)
    distribution.spill()
    summary = Summary(len(samples), sum(samples), distribution=distribution)
    return PackedTotal.of(Total(0.0, 0.0, 10.0, summary))


EVERY = [
    (Series(GAUGE, "x", "here"), total(1.5)),
    (Series(TIMER, "x", "here"), timer(0.3, 0.7)),
    (Series(COUNTER, "x", "here"), total(2.0)),
    (Series(GAUGE, "x_seconds_count", "here"), total(9.0)),
    (Series(COUNTER, "stock", "here"), total(-2.0, is_monotonic=False)),
    (Series(COUNTER, "stock", "there"), total(3.0)),
]


def read(parse: Any, accept: str) -> dict[str, tuple[str, dict[str, float]]]:
    """Return type and samples of each metric, by name; what is no such text raises ValueError."""
    text = "".join(exposition(EVERY, {"x": ABOUT}, format_of(accept.encode())))
    families = list(parse(text))
    assert len({family.name for family in families}) == len(families)
    return {
        family.name: (family.type, {one.name + one.labels.get("le", ""): one.value
                                    for one in family.samples if "source" in one.labels})
        for family in families
    }  # fmt: skip


def test_openmetrics_has_every_kind_under_a_name_of_its_own() -> None:
    families = read(openmetrics, OPENMETRICS)
    assert families["x"] == ("counter", {"x_total": 2.0})
    assert families["x_gauge"] == ("gauge", {"x_gauge": 1.5})
    assert families["x_seconds_count_gauge"] == ("gauge", {"x_seconds_count_gauge": 9.0})
    kind, samples = families["x_seconds"]
    assert (kind, samples["x_seconds_count"], samples["x_seconds_sum"]) == ("histogram", 2.0, 1.0)
    assert (samples["x_seconds_bucket0.5"], samples["x_seconds_bucket+Inf"]) == (1.0, 2.0)


def test_the_plain_text_has_the_same() -> None:
    families = read(plain, "text/plain")
    assert families["x"] == ("counter", {"x_total": 2.0})
    assert families["x_gauge"] == ("gauge", {"x_gauge": 1.5})


def test_what_was_counted_down_is_a_gauge_with_all_of_its_name() -> None:
    assert read(plain, "")["stock"][0] == "gauge"
    text = "".join(exposition(EVERY, {}, Format.PLAIN))
    assert 'stock{source="here",level="info"} -2.0\n' in text
    assert 'stock{source="there",level="info"} 3.0\n' in text
    assert "# HELP stock A counter of Zibrato's\n" in text


def test_what_people_say_and_what_tags_have_arrives_as_it_is() -> None:
    odd = [(Series(COUNTER, "x", "here", (("odd", ODD),)), total(2.0))]
    for parse, form in ((openmetrics, Format.OPENMETRICS), (plain, Format.PLAIN)):
        (family,) = parse("".join(exposition(odd, {"x": ABOUT}, form)))
        assert family.documentation == ABOUT
        assert [sample.labels["odd"] for sample in family.samples] == [ODD]


def test_a_metric_that_has_the_suffix_of_its_kind_is_described_too() -> None:
    series = [
        translated(Series(COUNTER, "x_total", "")),
        translated(Series(TIMER, "y_seconds", "")),
    ]
    described = {"x_total": "X", "y_seconds": "Y"}
    totals = [(series[0], total(2.0)), (series[1], timer(0.3))]
    text = "".join(exposition(totals, described, Format.PLAIN))
    assert [line for line in text.splitlines() if line.startswith("# HELP")] == [
        "# HELP x_total X", "# HELP y_seconds Y"
    ]  # fmt: skip


def test_a_timer_has_its_unit_in_openmetrics() -> None:
    text = "".join(exposition(EVERY, {}, Format.OPENMETRICS))
    assert {one.name: one.unit for one in openmetrics(text)}["x_seconds"] == "seconds"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (OPENMETRICS, Format.OPENMETRICS),
        ("application/openmetrics-text", Format.OPENMETRICS),
        ("Application/OpenMetrics-Text; Version=1.0.0, */*", Format.OPENMETRICS),
        ("application/openmetrics-text;version=1.0.0;q=0.3,text/plain;q=0.9", Format.PLAIN),
        ("application/openmetrics-text;version=0.0.1,text/plain;q=0.5", Format.PLAIN),
        ("application/openmetrics-text;q=0", Format.PLAIN),
        ("*/*", Format.PLAIN),
        ("", Format.PLAIN),
    ],
)
def test_who_prefers_a_format_gets_it(accept: str, form: Format) -> None:
    assert format_of(accept.encode()) is form
