"""Lines of statsd: what other daemons' own tests have, and what is kept from line to line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.intake.statsd_reading import NOW, figures, read, summary
from zibrato.intake import statsd_lines
from zibrato.intake.statsd_lines import StatsdLines
from zibrato.lines import LineBatch
from zibrato.wire import unpack

HERE = Path(__file__).parent
LINES = json.loads((HERE / "statsd_lines.json").read_text())
"""What daemons' own tests have, how it is read here, and by which choice where they differ."""
AGGREGATES = json.loads((HERE / "statsd_aggregates.json").read_text())
CHOICES = re.findall(
    r"^\*(.+?)\* ", (HERE.parents[1] / "docs/reference/statsd.rst").read_text(), re.M
)


PEERS = sorted({row["peer"] for row in (*LINES, *AGGREGATES)})


@pytest.mark.parametrize("peer", PEERS)
def test_a_line_is_read_as_it_should_be(peer: str) -> None:
    for row in LINES:
        if row["peer"] == peer:
            said, rejected = read(row["line"].encode(errors="surrogateescape"))
            assert said == row.get("said", []), row
            assert rejected == row.get("rejected", {}), row
            assert bool(said) != bool(rejected), row


@pytest.mark.parametrize("peer", PEERS)
def test_an_interval_adds_up_as_it_should(peer: str) -> None:
    for row in AGGREGATES:
        if row["peer"] == peer:
            expected = {**row["figures"], **row.get("ours", {})}
            only = summary(*[line.encode() for line in row["lines"]])
            scale = 1000.0 if "|ms" in row["lines"][0] else 1.0
            assert figures(only, list(expected), scale) == pytest.approx(expected, rel=1e-6), row


def test_every_choice_is_explained() -> None:
    made = {row["choice"] for row in (*LINES, *AGGREGATES) if "choice" in row}
    assert made == set(CHOICES)


def test_lines_of_all_frames_gather() -> None:
    said, rejected = read(b"a:1|c\na:2|c\r\n\n", b"", b"a:3|c\nb:x|c\nb:2|ms")
    assert said == [
        {"kind": "counter", "name": "a", "count": 3, "sum": 6.0},
        {"kind": "timer", "name": "b", "values": [0.002]},
    ]
    assert rejected == {"value": 1}


def test_a_level_and_a_source_may_be_tags() -> None:
    (said,), _ = read(b"a:1|c|#level:warning,source:web1,x:y")
    assert (said["level"], said["source"], said["tags"]) == ("warning", "web1", {"x": "y"})
    (said,), _ = read(b"a:1|c", level="debug")
    assert said["level"] == "debug"


def test_a_gauge_with_a_sign_starts_from_the_last_reading() -> None:
    reader = StatsdLines("info", lambda _: None)
    seen = []
    for lines in (b"g:5|g\ng:+2|g\ng:-1e1|g", b"g:+1|g", b"g:-0|g|#a:b", b"g:7|g\ng:1e-1|g"):
        reader.split([lines])
        (batch,) = reader.take(NOW).batches
        seen.append(unpack(batch.gauges[0].samples).tolist())
    assert seen == [[5, 7, -3], [-2], [0], [7, 0.1]]


def test_fractions_of_what_lines_stand_for_are_carried() -> None:
    reader = StatsdLines("info", lambda _: None)
    counts, times = 0, 0
    for _ in range(30):
        reader.split([b"c:1|c|@0.3\nt:1|ms|@0.3"])
        (batch,) = reader.take(NOW).batches
        assert isinstance(batch, LineBatch)
        counts += batch.counters[0].count
        times += batch.repeated[0].times[0]
    assert (counts, times) == (100, 100)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"x:1|c|#a\xff:b", "encoding"),
        (b"\xff:1|c", "encoding"),
        (b"x:1:y:2|c", "value"),
        (b"x|c", "fields"),
        (b"x:1|c:", "fields"),
        (b"x:-1|ms|@0.5", "value"),
        (b"x:1|c|@1e-10", "rate"),
        (b"x:1|g|T" + b"9" * 5000, "timestamp"),
        (b"x:|s", "value"),
        (b"[a=]x:1|c", "tags"),
        (b"_e{1,1}:a|b|d:x", "timestamp"),
        (b"_e{1,1}:\xff|b", "encoding"),
        (b"_e{1,9000}:a|" + b"b" * 9000, "event"),
    ],
)
@pytest.mark.attack("lines of statsd that are hostile", before="no such intake")
def test_a_hostile_line_is_counted_by_reason(line: bytes, reason: str) -> None:
    _, rejected = read(b"good:1|c\n" + line + b"\ngood:1|c")
    assert rejected == {reason: 1}


@given(st.lists(st.binary(max_size=40) | st.text("a:|@#.1cgms,_e{}s\n", max_size=30), max_size=5))
@pytest.mark.attack("any bytes as lines of statsd", before="no such intake")
def test_whatever_comes_is_taken_or_counted(parts: list[bytes | str]) -> None:
    lines = [part if isinstance(part, bytes) else part.encode() for part in parts]
    said, rejected = read(*lines, b"good:1|c")
    assert {"kind": "counter", "name": "good", "count": 1, "sum": 1.0} in said
    assert all(count > 0 for count in rejected.values())


def test_an_annotation_that_nobody_wants_is_rejected() -> None:
    reader = StatsdLines("info", lambda _: "busy")
    reader.split([b"_e{1,1}:a|b\n_sc|a|0"])
    assert reader.take(NOW).rejected == {"busy": 2}


@pytest.mark.attack("a line of statsd with thousands of values", before="no such intake")
def test_all_values_of_a_line_are_one_row() -> None:
    reader = StatsdLines("info", lambda _: None)
    reader.split([b"a:1|c" + b":1|c:2|ms" * 1000, b"b" + b":1" * 1000 + b"|c"])
    (batch,) = reader.take(NOW).batches
    assert isinstance(batch, LineBatch)
    assert [row.count for row in batch.counters] == [1001, 1000]
    assert len(batch.timers) == 1


def test_it_tells_of_how_many_tails_there_may_be() -> None:
    reader = StatsdLines("info", lambda _: None)
    lines = [b"a:1|c|#x:%d" % number for number in range(100)]
    reader.split(lines)
    assert reader.heads == 1
    reader.take(NOW)
    reader.split(lines)
    assert reader.heads == 100


@pytest.mark.attack("statsd lines of endless names and gauges", before="no such intake")
def test_what_is_known_of_names_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statsd_lines, "MAX_HEADS_BYTES", 20_000)
    monkeypatch.setattr(statsd_lines, "MAX_GAUGES", 5)
    reader = StatsdLines("info", lambda _: None)
    for number in range(100):
        reader.split([b"g%d:1|g\n%b:1|c" % (number, b"x" * (100 * number))])
        assert len(reader.take(NOW).batches) == 1
        assert len(reader._heads) < 20
        assert len(reader._gauges) <= 5
    reader.split([b"g99:+1|g\ng1:+1|g"])
    (batch,) = reader.take(NOW).batches
    assert isinstance(batch, LineBatch)
    assert [unpack(row.samples).tolist() for row in batch.gauges] == [[2], [1]]
