"""What a scrape has of running totals, read back by prometheus_client's own parsers."""

from __future__ import annotations

from typing import Any

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from zibrato.backends.prometheus.exposition import form_of, metrics
from zibrato.backends.totals_file import PackedTotal, Total
from zibrato.distribution import Distribution
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Summary

OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2"


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
    text = form_of(accept, False).body(metrics(EVERY, {"x": 'Say "x"\\\n'})).decode()
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
    text = form_of("", False).body(metrics(EVERY, {})).decode()
    assert 'stock{level="info",source="here"} -2.0\n' in text
    assert 'stock{level="info",source="there"} 3.0\n' in text
    assert "# HELP stock A counter of Zibrato's\n" in text
