"""Lines of both dialects, in packets that are never too large, and each measurement in one."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.backends.summaries import timed
from zibrato.backends.statsd.lines import (
    DATADOG,
    DIALECTS,
    STATSD,
    Line,
    Packet,
    Unsent,
    lines,
    packets,
)
from zibrato.distribution import Distribution
from zibrato.model import COUNTER, GAUGE, KINDS, TIMER, Series, Snapshot, Summary

MTU = 1432


def read(value: float, count: int = 1) -> Summary:
    total = value * count
    return Summary(count, total, value, value, value * total, value)


def shown(summaries: Mapping[Series, Summary], dialect: str, mtu: int = MTU) -> list[str]:
    made = lines([Snapshot(0, 10, summaries)], dialect, mtu)
    return [line.text.decode() for line in made if isinstance(line, Line)]


def test_statsd_has_no_tags() -> None:
    summaries = {
        Series(COUNTER, "c d", "s", (("k", "v"),)): Summary(3, 4.5),
        Series(COUNTER, "whole", "s"): Summary(3, -4.0),
        Series(GAUGE, "g", "s"): read(7.0),
        Series(TIMER, "t", "s"): timed(0.1, 0.0123),
    }
    expected = ["c-d:4.5|c", "whole:-4|c", "g:7|g", "t:100|ms", "t:12.3|ms"]
    assert shown(summaries, STATSD) == expected


def test_a_gauge_below_zero_takes_two_steps_of_statsd_and_one_of_datadog() -> None:
    summaries = {Series(GAUGE, "g", "s"): read(-7.5)}
    assert shown(summaries, STATSD) == ["g:0|g\ng:-7.5|g"]
    assert shown(summaries, DATADOG) == ["g:-7.5|g|#level:info,source:s"]


def test_datadog_has_tags_and_many_values_a_line() -> None:
    series = Series(TIMER, "t", "box 1", (("a:b,c", "x|y#z"), ("level", "mine")), "error")
    tags = "|#a-b-c:x-y-z,level:error,source:box-1"
    assert shown({series: timed(0.001, 0.002)}, DATADOG) == [f"t:1:2|ms{tags}"]
    many = shown({series: timed(*[0.0015] * 400)}, DATADOG, 512)
    assert sum(line.count(":1.5") for line in many) == 400
    assert len(many) == 4


def test_buckets_stand_for_several() -> None:
    series = Series(TIMER, "t", "s")
    made = shown({series: timed(*[0.25] * 4000)}, STATSD)
    assert made.count("t:250|ms") == 2
    assert len(made) == 1002
    rates = {line.partition("|@")[2] for line in made}
    assert {rate[:12] for rate in rates} == {"", "0.25", "0.3333333333"}


def test_rates_have_no_exponent_and_are_exact() -> None:
    for weight in (7, 49, 123_457, 999_999_999):
        distribution = Distribution.of_buckets({0: 1000 * weight}, 0, 1.0, 1.0)
        summary = replace(timed(1.0), count=1000 * weight, distribution=distribution)
        rates = [
            line.partition("|@")[2] for line in shown({Series(TIMER, "t", "s"): summary}, STATSD)
        ]
        assert all(set(rate) <= set("0123456789.") for rate in rates)
        assert sum(round(1 / float(rate or 1)) for rate in rates) == 1000 * weight


def test_a_timer_of_which_nothing_more_is_known_is_its_mean() -> None:
    summary = Summary(4, 2.0, 0.5, 0.5, 1.0, 0.5)
    for known in (summary, replace(summary, distribution=Distribution())):
        assert shown({Series(TIMER, "t", "s"): known}, STATSD) == ["t:500|ms|@0.25"]


def test_a_measurement_has_arrived_with_the_last_line_of_its_series() -> None:
    made = list(lines([Snapshot(0, 10, {Series(TIMER, "t", "s"): timed(1, 2, 3)})], STATSD, MTU))
    assert [line.measurements for line in made] == [0, 0, 3]


def test_what_can_not_be_sent() -> None:
    summaries = {
        Series(COUNTER, "endless", "s"): Summary(2, inf),
        Series(COUNTER, "long", "s", tuple((f"t{n}", "v" * 200) for n in range(8))): Summary(3, 1),
    }
    assert list(lines([Snapshot(0, 10, summaries)], DATADOG, MTU)) == [
        Unsent("endless", 2, "not_finite"),
        Unsent("long", 3, "too_long"),
    ]


def test_packets_are_full_and_not_too_large() -> None:
    source = [Line(b"x" * 100, 1) for _ in range(30)]
    made = list(packets(source, 503))
    assert [len(packet.data) for packet in made if isinstance(packet, Packet)] == [403] * 7 + [201]
    assert sum(packet.measurements for packet in made) == 30


TEXTS = st.text(min_size=1, max_size=60)
SERIES = st.builds(
    Series,
    st.sampled_from(KINDS),
    TEXTS,
    TEXTS,
    st.dictionaries(TEXTS, TEXTS, max_size=5).map(lambda tags: tuple(tags.items())),
)


@given(
    st.lists(SERIES, unique=True, max_size=6),
    st.sampled_from(DIALECTS),
    st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=80),
)
def test_whatever_comes_fits_and_is_accounted_for(
    series: list[Series], dialect: str, samples: list[float]
) -> None:
    snapshot = Snapshot(0, 10, dict.fromkeys(series, timed(*samples)))
    made = list(packets(lines([snapshot], dialect, 512), 512))
    for packet in made:
        if isinstance(packet, Packet):
            assert len(packet.data) <= 512
            assert all(b":" in line and b"|" in line for line in packet.data.split(b"\n"))
    assert sum(packet.measurements for packet in made) == len(series) * len(samples)
