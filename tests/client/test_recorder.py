"""Recorders: arguments checked once, and the buffers that they mean."""

from __future__ import annotations

from typing import Any

import pytest

from zibrato.client.arguments import Arguments
from zibrato.client.buffers import Buffers
from zibrato.client.recorder import Recorder, noop, threshold
from zibrato.client.rows import Rows
from zibrato.levels import LevelFilter
from zibrato.model import COUNTER, GAUGE, MAX_NAME_LENGTH
from zibrato.wire import unpack


def arguments(**changes: Any) -> Arguments:
    """Return good arguments, but for the `changes`."""
    return Arguments("n", 1, "info", COUNTER, None, None)._replace(**changes)


def drained(recorder: Recorder) -> Rows:
    (rows,) = recorder.buffers.drain.take()
    return rows


def recorder(**options: Any) -> Recorder:
    return Recorder(Buffers(), **{"disabled": False, **options})


@pytest.mark.parametrize("name", ["n", "n" * MAX_NAME_LENGTH])
@pytest.mark.parametrize("value", [0, -1.5, True])
def test_good_arguments_pass(name: str, value: float) -> None:
    arguments(name=name, value=value).checked()


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        (
            {"mistakes": ["unknown argument a, b"]},
            TypeError,
            "unknown argument a, b",
        ),
        ({"name": None}, ValueError, "name: expected 1 to 255 characters, got None"),
        ({"name": ""}, ValueError, "name: expected 1 to 255 characters"),
        ({"name": "n" * 256}, ValueError, "name: expected 1 to 255 characters"),
        ({"mtype": "set"}, ValueError, "mtype: expected one of counter, timer, gauge, got 'set'"),
        ({"value": "4"}, TypeError, "value: expected a number, got '4'"),
        ({"value": float("nan")}, ValueError, "value: expected a finite number, got nan"),
        ({"value": float("-inf")}, ValueError, "value: expected a finite number, got -inf"),
    ],
)
def test_bad_arguments_are_named(changes: Any, error: type[Exception], text: str) -> None:
    for ask in (recorder().event, recorder().append):
        with pytest.raises(error) as raised:
            ask(arguments(**changes))
        assert str(raised.value).startswith(text)


def test_a_function_gives_its_name_where_there_is_none() -> None:
    def function() -> None: ...

    assert arguments(name=None).for_function(function).name == (
        f"{__name__}.test_a_function_gives_its_name_where_there_is_none.function"
    )
    assert arguments(name=None).for_function(staticmethod(function)).name is not None
    assert arguments(name="own").for_function(function).name == "own"
    assert arguments(name=None).for_function("no function").name is None


def test_of_a_long_name_the_end_says_the_most() -> None:
    def function() -> None: ...

    function.__qualname__ = "q" * 300 + ".end"
    name = arguments(name=None).for_function(function).name
    assert name == "q" * 251 + ".end"


def test_an_event_of_a_counter_counts_and_of_another_kind_records_its_value() -> None:
    one = recorder()
    count, read = one.event(arguments(value=3)), one.event(arguments(value=7, mtype=GAUGE))
    count()
    count()
    read()
    rows = drained(one)
    assert [(row.count, row.sum) for row in rows.counters] == [(2, 6)]
    assert [list(unpack(row.samples)) for row in rows.gauges] == [[7]]


def test_what_is_the_same_records_in_the_same_buffer() -> None:
    one = recorder()
    assert one.append(arguments(mtype=GAUGE)) == one.append(arguments(mtype=GAUGE, value=9))
    assert one.append(arguments(mtype=GAUGE)) != one.append(arguments(mtype=GAUGE, level="error"))


def test_an_instruments_source_and_tags_come_before_its_clients() -> None:
    client = recorder(source="client", tags={"b": "client", "c": "client"})
    client.event(arguments())()
    client.event(arguments(source="own", tags={"b": 2, "a": "own"}, level="WARN"))()
    rows = {row.source: (row.level, list(row.tags.items())) for row in drained(client).counters}
    assert rows == {
        "client": ("info", [("b", "client"), ("c", "client")]),
        "own": ("warning", [("a", "own"), ("b", "2"), ("c", "client")]),
    }


def test_below_the_threshold_is_a_noop() -> None:
    errors = recorder(level="error")
    assert errors.event(arguments()) is noop
    assert errors.append(arguments(level="warning")) is noop
    assert errors.append(arguments(level="error")) is not noop
    assert errors.append(arguments(level="critical")) is not noop


def test_the_switch_is_the_environments_unless_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZIBRATO_DISABLED", "1")
    assert recorder(disabled=None).event(arguments()) is noop
    assert recorder(disabled=False).event(arguments()) is not noop
    monkeypatch.delenv("ZIBRATO_DISABLED")
    assert recorder(disabled=None).event(arguments()) is not noop
    assert recorder(disabled=True).event(arguments()) is noop


def test_a_rejected_measurement_is_counted_whatever_it_was() -> None:
    one = recorder()
    one.reject()
    one.reject("anything", 2)
    assert one.buffers.dropped == {"argument": 2}


def test_a_threshold_is_a_standard_level() -> None:
    assert threshold("error") == threshold(40) == LevelFilter.parse("error+")
    with pytest.raises(ValueError, match="as threshold, got 'custom'"):
        threshold("custom")
