"""Instruments and wrong arguments: raised at decoration, counted in a running call."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.client.recorded import RecordedInstruments
from zibrato.client import arguments


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"name": ""}, ValueError),
        ({"name": "x" * 256}, ValueError),
        ({"name": 3}, ValueError),
        ({"name": "n", "value": "4"}, TypeError),
        ({"name": "n", "level": "not a level"}, ValueError),
        ({"name": "n", "level": None}, TypeError),
        ({"name": "n", "mtype": "histogram"}, ValueError),
        ({"name": "n", "nmae": "n"}, TypeError),
        ({"name": [], "value": []}, ValueError),
        ({"name": "n", "value": 10**400}, ValueError),
        ({"name": "n", "tags": [1]}, TypeError),
        ({"name": "n", "tags": "tags"}, TypeError),
        ({"name": "n", "tags": 5}, TypeError),
        ({"name": "n", "tags": {1}}, TypeError),
        ({"name": "n", "source": 5}, TypeError),
    ],
)
def test_wrong_arguments_raise_at_decoration_and_never_in_a_running_call(
    given: dict[str, Any], error: type[Exception]
) -> None:
    z = RecordedInstruments()

    def function() -> None: ...

    with pytest.raises(error):
        z.count_me(**given)(function)
    with pytest.raises(error):
        z.time_me(**given)(function)
    assert not z.buffers.dropped
    with z.Count_me(**given), z.Time_me(**given):
        pass
    assert z.buffers.dropped == {"argument": 2}
    records: list[Any] = [z.count, z.timing, z.gauge]
    for record in records:
        record(**{"value": 1, **given})
    assert z.rows() == {}
    assert z.buffers.dropped.total() == 5


@pytest.mark.parametrize("what", [int, type])
def test_what_can_not_be_instrumented_is_said_of_a_bare_decorator_too(what: Any) -> None:
    z: Any = RecordedInstruments()
    for instrument in (z.count_me, z.time_me):
        with pytest.raises(TypeError, match="expected a function or another callable"):
            instrument(what)


def test_a_missing_value_is_said_at_decoration_and_counted_in_a_running_call() -> None:
    z: Any = RecordedInstruments()
    for kind in ("gauge", "timer"):
        with pytest.raises(TypeError, match=f"value: missing; a {kind} needs one"):
            z.count_me("n", mtype=kind)(len)
        with z.count_me("n", mtype=kind):
            pass
    z.gauge("d")
    z.gauge(name="d")
    z.timing("d")
    z.timing(name="d", level="error")
    assert z.rows() == {}
    assert z.buffers.dropped == {"argument": 6}


def test_what_python_would_raise_for_is_counted() -> None:
    z: Any = RecordedInstruments()
    z.count("a", 1, "info")
    z.count("a", name="b")
    z.gauge("a", 1, value=2)
    z.gauge("a", 1, None, None, 5)
    z.timing("a", 1, self=3)
    with z.count_me("a", 4), z.time_me("a", name="b"):
        pass
    with pytest.raises(TypeError, match="too many positional arguments, or name given twice"):
        z.time_me("a", 4)(len)
    assert z.rows() == {}
    assert z.buffers.dropped == {"argument": 7}


def test_an_exception_of_the_hosts_own_signal_handler_passes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may come at any instant, such as celery's soft time limit."""
    z = RecordedInstruments()

    class TimeLimit(Exception): ...

    def interrupted(*_: object) -> None:
        raise TimeLimit

    for cache in (z._counts, z._timings, z._gauges):
        cache["n"] = interrupted
    for record in (z.count, z.timing, z.gauge):
        with pytest.raises(TimeLimit):
            record("n", 1)
    monkeypatch.setattr(arguments, "level_name", interrupted)
    with pytest.raises(TimeLimit):
        z.count("n", level="error")


def test_a_value_that_is_not_finite_is_rejected_at_decoration() -> None:
    with pytest.raises(ValueError, match="value: expected a finite number"):
        RecordedInstruments().count_me(name="n", value=math.nan)(len)


def test_a_with_without_a_name_is_counted_as_dropped() -> None:
    z = RecordedInstruments()
    with z.count_me(), z.time_me():
        pass
    z.gauge(value=3)  # type: ignore[call-arg]  # at run time it is counted
    assert z.buffers.dropped == {"argument": 3}


def test_a_wrong_argument_raises_even_where_the_level_is_off() -> None:
    with pytest.raises(ValueError, match="name: expected 1 to 255 characters"):
        RecordedInstruments(level="error").count_me(name="")(len)
