"""Heads of lines: where tags may be, and what is known of each."""

from __future__ import annotations

import pytest

from zibrato.intake.statsd_heads import HeadError, parse_head, parse_tags, parse_time


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"a,x=1,y=2", ("a", (("x", "1"), ("y", "2")))),
        (b"a#x=1", ("a", (("x", "1"),))),
        (b"a.[x=1,y=2]b", ("a.b", (("x", "1"), ("y", "2")))),
        (b"[]b", ("b", ())),
        (b"a=b", ("a=b", ())),
        (b"a,b", ("a,b", ())),
        (b"a[x=1", ("a[x=1", ())),
    ],
)
def test_tags_may_be_in_the_name(name: bytes, expected: object) -> None:
    found, level, source, tags = parse_head(name, b"c", "debug").identity
    assert (found, tags) == expected
    assert (level, source) == ("debug", None)


def test_the_order_of_tags_makes_no_other_series() -> None:
    one, other = (parse_head(b"a", tail, "info") for tail in (b"c|#x:1,y:2", b"c|#y:2,x:1"))
    assert one.identity == other.identity


@pytest.mark.parametrize("name", [b"", b" ", b"#x=1"])
def test_a_name_is_needed(name: bytes) -> None:
    with pytest.raises(HeadError, match="name"):
        parse_head(name, b"c", "info")


def test_what_a_line_stands_for_is_never_nothing() -> None:
    head = parse_head(b"a", b"c|@0.9", "info")
    assert sum(head.times(1) for _ in range(90)) == 100
    assert parse_head(b"a", b"c", "info").times(7) == 7


def test_the_last_of_a_tag_counts() -> None:
    assert parse_tags(b"a:1,a:2, b , #c:d:e,f:") == {"a": "2", "b": "true", "c": "d:e"}


@pytest.mark.parametrize("text", [b"", b"-1", b"1.5", b"99999999999999", b"x", b"1" * 5000])
def test_a_time_is_whole_seconds(text: bytes) -> None:
    with pytest.raises(HeadError, match="timestamp"):
        parse_time(text)
    assert parse_time(b"253402300799") == 253_402_300_799
