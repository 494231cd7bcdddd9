"""Events and service checks; those of other daemons' tests are in test_statsd_lines."""

from __future__ import annotations

import pytest

from zibrato.intake.statsd_events import MAX_FIELD, parse_check, parse_event
from zibrato.intake.statsd_heads import HeadError
from zibrato.model import Annotation

NOW = 1000.0


def test_an_event_says_what_happened() -> None:
    line = "_e{6,4}:Grüß|a\\nb|d:5|h:web1|p:low|t:error|s:deploys|k:key|#x:1|c:in-7|card:low"
    assert parse_event(line.encode(), NOW) == Annotation(
        "deploys", "Grüß", "a\nb", "web1", 5.0,
        (("alert_type", "error"), ("key", "key"), ("priority", "low"), ("x", "1")),
    )  # fmt: skip
    assert parse_event(b"_e{1,0}:a|\r", NOW) == Annotation("events", "a", "", "", NOW)


def test_a_check_says_how_something_is() -> None:
    said = parse_check(b"_sc|db.up|2|h:web1|#x:1|m:no: answer", NOW)
    assert said == Annotation("db.up", "critical", "no: answer", "web1", NOW, (("x", "1"),))


def test_a_bar_may_be_part_of_a_message() -> None:
    said = parse_check(b"_sc|load|0|#x:1|m:OK: load 0.1|load1=0.1;5;10||c:in-7", NOW)
    assert said.text == "OK: load 0.1|load1=0.1;5;10|"
    with pytest.raises(HeadError, match="event"):
        parse_check(b"_sc|load|0|load1=0.1|m:OK", NOW)


def test_what_clients_escape_is_as_it_was() -> None:
    said = parse_check(rb"_sc|up|1|m:from\n10.0.0.1 m\: no answer", NOW)
    assert said.text == "from\n10.0.0.1 m: no answer"


@pytest.mark.parametrize("size", [MAX_FIELD, MAX_FIELD + 1])
def test_texts_are_bounded(size: int) -> None:
    line = b"_e{1,%d}:a|%b" % (size, b"x" * size)
    if size <= MAX_FIELD:
        assert len(parse_event(line, NOW).text) == size
    else:
        with pytest.raises(HeadError, match="event"):
            parse_event(line, NOW)
