"""The look-up of instruments: made once for the same arguments, within a bound."""

from __future__ import annotations

from typing import Any

from zibrato.client.buffers import Buffers
from zibrato.client.instruments import Instruments
from zibrato.client.lookup import MAX_CACHED
from zibrato.client.recorder import Recorder


def instruments() -> Instruments:
    return Instruments(Recorder(Buffers(), disabled=False))


def test_the_same_arguments_give_the_same_instrument() -> None:
    z = instruments()
    assert z.count_me("n") is z.count_me("n") is z.count_me(name="n")
    assert z.time_me("n", level="error") is z.time_me("n", level="error")
    assert z.time_me("n", level="error") is not z.time_me("n", level="debug")
    assert z.count_me("n", value=2) is not z.count_me("n", value=3)
    z.gauge("n", 1, level="error")
    before = dict(z._instruments)
    z.gauge("n", 2, level="error")
    assert z._instruments == before


def test_what_is_not_pythons_own_is_kept_by_nobody() -> None:
    class Name(str):
        __slots__ = ()

    z: Any = instruments()
    z.count(Name("n"))
    z.count("n", level=Name("info"))
    z.count("n", junk=object())
    z.count("n", tags={"a": Name("b")})
    z.count("n", tags={"a": ["b"]})
    z.count("n", tags=[("a", "b")])
    assert not z._counts
    assert not z._tagged
    assert not [key for key in z._instruments if len(key) > 3 or Name in map(type, key)]


def test_the_same_tags_give_the_same_instrument() -> None:
    z = instruments()
    first = z.count_me("n", tags={"a": "b", "c": "d"})
    assert z.count_me("n", tags={"a": "b", "c": "d"}) is first
    others = [{"a": "b"}, {"a": "d", "c": "b"}, {"a": "b", "c": "d", "e": "f"}, {}, None]
    assert all(z.count_me("n", tags=tags) is not first for tags in others)
    assert z.count_me("n", tags={"a": "b", "c": "d"}, level="error") is not first


def test_tags_that_are_equal_and_read_otherwise_are_told_apart() -> None:
    z: Any = instruments()
    for value in ("1", 1, True, 1.0):
        z.count("n", tags={"a": value})
    rows = [row for rows in z._recorder.buffers.drain.take() for row in rows.counters]
    assert {(row.tags["a"], row.count) for row in rows} == {("1", 2), ("True", 1), ("1.0", 1)}


def test_tags_that_the_caller_changes_are_those_of_the_call() -> None:
    z = instruments()
    tags = {"a": "first"}
    instrument = z.count_me("n", tags=tags)
    tags["a"] = "second"
    z.count("n", tags=tags)
    with instrument, z.count_me("n", tags={"a": "first"}):
        pass
    rows = [row for rows in z._recorder.buffers.drain.take() for row in rows.counters]
    assert {row.tags["a"]: row.count for row in rows} == {"first": 2, "second": 1}


def test_instruments_made_at_run_time_do_not_pile_up() -> None:
    z = instruments()
    for number in range(MAX_CACHED + 50):
        z.gauge(name=str(number), value=1)
        z.gauge(name=str(number), value=1, level="error")
        z.gauge(name="n", value=1, tags={"number": str(number)})
    assert len(z._instruments) == len(z._gauges) == len(z._tagged) == MAX_CACHED
    assert list(z._recorder.buffers.drain.take())
    assert z._recorder.buffers.dropped == {"max_series": 2 * MAX_CACHED + 150}
