"""OpenMetrics' text of a file, and what Debian's Prometheus and VictoriaMetrics make of it."""

from __future__ import annotations

import shutil
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from time import time
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.integration.processes import eventually
from tests.integration.prometheus_server import PromQl, prometheus, victoria_metrics
from zibrato.distribution import Distribution
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Snapshot, Summary
from zibrato.store.db.schema import open_for_writing
from zibrato.store.db.tiers import RETENTION, parse_retention
from zibrato.store.db.writer import Writer
from zibrato.store.export import main

BOUND = 1 << 24
START = (int(time()) - 18_000) // 10 * 10
FAST, SLOW = [0.001 * number for number in range(1, 101)], [2.0 + number for number in range(100)]
ODD = 'a"b\\c\nd\re\x00\u2028é'


def timer(samples: Sequence[float]) -> Summary:
    made, squares = Distribution(samples), sum(sample * sample for sample in samples)
    ends = (made.low, made.high, squares, samples[-1])
    return Summary(len(samples), sum(samples), *ends, made)


def gauge(value: float) -> Summary:
    return Summary(1, value, value, value, value * value, value)


def series(kind: str, name: str, *tags: tuple[str, str]) -> Series:
    return Series(kind, name, "web1", tags, "info")


CALLS, WORK = series(COUNTER, "shop.calls", ("route", "/a")), series(TIMER, "work")
SNAPSHOTS = [
    Snapshot(
        START, START + 10,
        {
            CALLS: Summary(3, 7.0),
            WORK: timer(FAST),
            series(GAUGE, "depth", ("odd", ODD)): gauge(-4.5),
            series(COUNTER, "level"): Summary(2, 5.0),
            # These two are called the same there, and so they are one.
            series(COUNTER, "a-b"): Summary(1, 1.0),
            series(COUNTER, "a.b"): Summary(1, 2.0),
            series(GAUGE, "shop.calls"): gauge(1.0),
        },
    ),
    Snapshot(
        START + 10, START + 20,
        {CALLS: Summary(1, 5.0), WORK: timer(SLOW), series(COUNTER, "level"): Summary(1, -9.0)},
    ),
]  # fmt: skip


@pytest.fixture
def text(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> str:
    """Return all of a file with two intervals."""
    path = tmp_path / "store.sqlite"
    connection = open_for_writing(path, BOUND)
    writer = Writer(connection, parse_retention(RETENTION), BOUND)
    writer.add_snapshots(*SNAPSHOTS)
    connection.close()
    span = (f"--start={START}", f"--end={START + 60}", f"--store={path}")
    main(("--format=openmetrics", *span))
    return capsysbinary.readouterr().out.decode()


def samples(text: str) -> dict[str, list[str]]:
    """Return the value and the time of each sample, by what is in front of them."""
    values: defaultdict[str, list[str]] = defaultdict(list)
    for line in text.split("\n"):
        if line and not line.startswith("#"):
            name, value, when = line.rsplit(" ", 2)
            values[name].append(f"{value} {int(when) - START}")
    return dict(values)


def test_counters_and_timers_are_running_totals_that_begin_at_0(text: str) -> None:
    named = samples(text)
    labels = 'route="/a",source="web1",level="info"'
    assert named[f"shop_calls_total{{{labels}}}"] == ["0 0", "7.0 1", "12.0 11"]
    labels = 'source="web1",level="info"'
    assert named[f"work_seconds_count{{{labels}}}"] == ["0 0", "100 1", "200 11"]
    assert named[f'work_seconds_bucket{{{labels},le="1.0"}}'] == ["0 0", "100 1", "100 11"]
    assert named[f'work_seconds_bucket{{{labels},le="4.0"}}'] == ["0 0", "100 1", "103 11"]
    assert named[f'work_seconds_bucket{{{labels},le="+Inf"}}'] == ["0 0", "100 1", "200 11"]
    assert named[f"work_seconds_sum{{{labels}}}"][-1].split()[0] == repr(sum(FAST) + sum(SLOW))


def test_what_was_counted_down_is_a_gauge_and_names_are_told_apart(text: str) -> None:
    types = dict(line.split()[2:] for line in text.splitlines() if line.startswith("# TYPE"))
    assert types == {
        "a_b": "counter", "level": "gauge", "shop_calls": "counter", "work_seconds": "histogram",
        "depth": "gauge", "shop_calls_gauge": "gauge",
    }  # fmt: skip
    labels = 'source="web1",level="info"'
    assert samples(text)[f"level{{{labels}}}"] == ["0 0", "5.0 1", "-4.0 11"]
    assert samples(text)[f"a_b_total{{{labels}}}"] == ["0 0", "3.0 1"]
    assert text.endswith("\n# EOF\n")


def test_a_strict_parser_takes_what_there_is_of_each_time(text: str) -> None:
    """prometheus_client's leaves out what a metric has at a second time, so it gets each alone."""
    lines = text.removesuffix("\n").split("\n")
    times = sorted({line.rsplit(" ", 1)[1] for line in lines if not line.startswith("#")})
    assert len(times) == 3
    parsed = []
    for when in times:
        of_it = [line for line in lines if line.startswith("#") or line.endswith(f" {when}")]
        for family in text_string_to_metric_families("".join(f"{line}\n" for line in of_it)):
            parsed += family.samples
    assert len(parsed) == sum(not line.startswith("#") for line in lines)
    assert [sample.labels["odd"] for sample in parsed if sample.name == "depth"] == [ODD]


def test_prometheus_makes_blocks_of_it_and_answers_from_them(text: str, tmp_path: Path) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool isn't installed")
    (tmp_path / "all.txt").write_text(text, newline="")
    made = subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", "all.txt", "prometheus"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    with prometheus(tmp_path) as server:
        at = START + 20
        assert server.value("shop_calls_total", at) == 12.0
        quantile = "histogram_quantile(0.25, work_seconds_bucket)"
        assert 0.03 < (server.value(quantile, at) or 0) < 0.07
        assert server.value("work_seconds_count", at) == 200
        ((labels, value),) = server.query("depth", at)
        assert (labels["odd"], value) == (ODD, -4.5)


def imported(server: PromQl, text: str) -> bool:
    """Return whether VictoriaMetrics takes a text, which it doesn't before it listens."""
    try:
        with urlopen(f"{server.url}/api/v1/import/prometheus", text.encode()) as response:
            return bool(response.status == 204)
    except URLError:
        return False


def test_victoriametrics_takes_it_in_as_it_is(text: str, tmp_path: Path) -> None:
    with victoria_metrics(tmp_path) as server:
        eventually(lambda: imported(server, text))
        at = START + 20
        eventually(lambda: server.value("shop_calls_total", at) == 12.0)
        assert server.value("increase(work_seconds_count[1m])", at) == 200
        ((labels, value),) = server.query("depth", at)
        assert (labels["odd"], value) == (ODD, -4.5)
