"""Instruments: the calls of the README, and what wrong arguments do."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from typing import Any

import pytest

from zibrato.client.buffers import Buffers
from zibrato.client.instruments import Instruments
from zibrato.client.recorder import Recorder, threshold
from zibrato.levels import LevelFilter
from zibrato.wire import unpack


class Fixture(Instruments):
    """Instruments whose buffers can be looked into."""

    def __init__(self, **arguments: Any) -> None:
        self.buffers = Buffers()
        super().__init__(Recorder(self.buffers, **arguments))

    def rows(self) -> dict[tuple[str, str], tuple[int, float]]:
        """Return the count and sum of each row, by kind and name; drains."""
        totals: dict[tuple[str, str], tuple[int, float]] = {}
        for rows in self.buffers.drain.take():
            for row in rows.counters:
                totals["counter", row.name] = (row.count, row.sum)
            for kind, samples in (("timer", rows.timers), ("gauge", rows.gauges)):
                for sampled in samples:
                    values = unpack(sampled.samples)
                    totals[kind, sampled.name] = (len(values), sum(values))
        return totals


def test_the_readmes_example() -> None:
    z = Fixture()

    @z.time_me(level="debug", name="render_timer")
    @z.count_me(name="render_counter")
    def render(page: str) -> str:
        return page.upper()

    assert render("a") == "A"
    with z.Time_me(name="query_timer"):
        pass
    with z.Count_me(name="rows", value=4):
        pass
    z.gauge(name="queue_depth", value=123)
    rows = z.rows()
    assert rows["counter", "render_counter"] == (1, 1)
    assert rows["timer", "render_timer"][0] == rows["timer", "query_timer"][0] == 1
    assert rows["counter", "rows"] == (1, 4)
    assert rows["gauge", "queue_depth"] == (1, 123)


def test_direct_calls() -> None:
    z = Fixture()
    z.count(name="c", value=-2)
    z.count("c")
    z.timing(name="t", value=0.25)
    z.gauge("g", 7)
    set_level = z.bind_gauge("bound")
    set_level(5)
    handle = z.count_me(name="handle", value=0.5)
    handle.count()
    handle.count()
    z.time_me(name="t").record(0.75)
    assert z.rows() == {
        ("counter", "c"): (2, -1),
        ("timer", "t"): (2, 1.0),
        ("gauge", "g"): (1, 7),
        ("gauge", "bound"): (1, 5),
        ("counter", "handle"): (2, 1.0),
    }


def test_raising_functions_are_counted_and_timed() -> None:
    z = Fixture()

    @z.count_me(name="c")
    @z.time_me(name="t")
    def fails() -> None:
        raise LookupError

    for _ in range(3):
        with pytest.raises(LookupError):
            fails()
    rows = z.rows()
    assert rows["counter", "c"] == (3, 3)
    assert rows["timer", "t"][0] == 3


def test_a_function_may_recurse() -> None:
    z = Fixture()

    @z.count_me(name="c")
    @z.time_me(name="t")
    def factorial(n: int) -> int:
        return n * factorial(n - 1) if n else 1

    assert factorial(5) == 120
    rows = z.rows()
    assert rows["counter", "c"] == (6, 6)
    assert rows["timer", "t"][0] == 6


def test_value_zero_counts_zero() -> None:
    z = Fixture()
    with z.Count_me(name="c", value=0):
        pass
    assert z.rows() == {("counter", "c"): (1, 0)}


def test_a_name_defaults_to_the_functions() -> None:
    z = Fixture()

    @z.count_me()
    def local() -> None: ...

    local()
    assert z.rows() == {
        ("counter", f"{__name__}.test_a_name_defaults_to_the_functions.local"): (1, 1)
    }


def test_one_unnamed_instrument_names_each_function() -> None:
    z = Fixture()
    count = z.count_me()

    @count
    def first() -> None: ...

    @count
    def second() -> None: ...

    first()
    second()
    assert len(z.rows()) == 2


def test_mtype_says_what_is_recorded() -> None:
    z = Fixture()
    with z.count_me(name="a", mtype="gauge", value=3), z.time_me(name="b", mtype="gauge"):
        pass
    z.gauge(name="c", value=2, mtype="counter")
    rows = z.rows()
    assert rows["gauge", "a"] == (1, 3)
    assert rows["gauge", "b"][0] == 1
    assert rows["counter", "c"] == (1, 2)


def test_source_tags_and_level_are_the_series() -> None:
    z = Fixture(source="box", tags={"app": "shop"})
    z.count(name="c", level="WARN", tags={"status": "500"})
    z.count(name="c", source="other", level=40)
    (rows,) = z.buffers.drain.take()
    assert {(row.level, row.source, tuple(row.tags.items())) for row in rows.counters} == {
        ("warning", "box", (("app", "shop"), ("status", "500"))),
        ("error", "other", (("app", "shop"),)),
    }


@pytest.mark.parametrize(
    ("arguments", "error"),
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
    ],
)
def test_wrong_arguments_raise_at_decoration_and_never_in_a_running_call(
    arguments: dict[str, Any], error: type[Exception]
) -> None:
    z = Fixture()

    def function() -> None: ...

    with pytest.raises(error):
        z.count_me(**arguments)(function)
    with pytest.raises(error):
        z.time_me(**arguments)(function)
    assert not z.buffers.dropped
    with z.Count_me(**arguments), z.Time_me(**arguments):
        pass
    assert z.buffers.dropped == {"argument": 2}
    for record in (z.count, z.timing, z.gauge):
        record(**arguments)
    assert z.rows() == {}
    assert z.buffers.dropped.total() == 5


def test_a_value_that_is_not_finite_is_rejected_at_decoration() -> None:
    with pytest.raises(ValueError, match="value: expected a finite number"):
        Fixture().count_me(name="n", value=math.nan)(len)


def test_a_with_without_a_name_is_counted_as_dropped() -> None:
    z = Fixture()
    with z.count_me(), z.time_me():
        pass
    z.gauge(value=3)
    assert z.buffers.dropped == {"argument": 3}


def test_below_the_threshold_a_function_is_returned_itself() -> None:
    z = Fixture(level="warning")

    def function() -> None: ...

    assert z.count_me(name="c", level="info")(function) is function
    assert z.time_me(name="t", level="debug")(function) is function
    assert z.count_me(name="c", level="error")(function) is not function
    with z.Count_me(name="c"), z.Time_me(name="t"):
        pass
    z.gauge(name="g", value=1)
    assert z.rows() == {}
    assert not z.buffers.dropped


def test_disabled_records_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZIBRATO_DISABLED", "1")
    z = Fixture()

    def function() -> None: ...

    assert z.count_me(name="c")(function) is function
    z.count(name="c")
    assert z.rows() == {}


def test_a_wrong_argument_raises_even_where_the_level_is_off() -> None:
    with pytest.raises(ValueError, match="name: expected 1 to 255 characters"):
        Fixture(level="error").count_me(name="")(len)


def test_a_threshold_is_a_standard_level() -> None:
    assert threshold("error") == LevelFilter.parse("error+")
    with pytest.raises(ValueError, match="as threshold"):
        threshold("custom")


def test_asynchronous_with_blocks() -> None:
    z = Fixture()

    async def main() -> None:
        async with z.count_me(name="c"), z.time_me(name="t"):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert Counter(kind for kind, _ in z.rows()) == {"counter": 1, "timer": 1}


def test_instruments_made_at_run_time_do_not_pile_up() -> None:
    z = Fixture()
    for number in range(10_050):
        z.gauge(name=str(number), value=1)
    assert len(z._instruments) <= 10_000
    z.rows()
    assert z.buffers.dropped == {"max_series": 50}
