"""Instruments: the calls of the README, and in which series they record."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from tests.client.recorded import RecordedInstruments
from zibrato.client.recorder import threshold
from zibrato.levels import LevelFilter


def test_the_readmes_example() -> None:
    z = RecordedInstruments()

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


def test_raising_functions_are_counted_and_timed() -> None:
    z = RecordedInstruments()

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
    z = RecordedInstruments()

    @z.count_me(name="c")
    @z.time_me(name="t")
    def factorial(n: int) -> int:
        return n * factorial(n - 1) if n else 1

    assert factorial(5) == 120
    rows = z.rows()
    assert rows["counter", "c"] == (6, 6)
    assert rows["timer", "t"][0] == 6


def test_value_zero_counts_zero() -> None:
    z = RecordedInstruments()
    with z.Count_me(name="c", value=0):
        pass
    assert z.rows() == {("counter", "c"): (1, 0)}


def test_a_name_defaults_to_the_functions() -> None:
    z = RecordedInstruments()

    @z.count_me()
    def local() -> None: ...

    local()
    assert z.rows() == {
        ("counter", f"{__name__}.test_a_name_defaults_to_the_functions.local"): (1, 1)
    }


def test_one_unnamed_instrument_names_each_function() -> None:
    z = RecordedInstruments()
    count = z.count_me()

    @count
    def first() -> None: ...

    @count
    def second() -> None: ...

    first()
    second()
    assert len(z.rows()) == 2


def test_mtype_says_what_is_recorded() -> None:
    z = RecordedInstruments()
    with z.count_me(name="a", mtype="gauge", value=3), z.time_me(name="b", mtype="gauge"):
        pass
    z.gauge(name="c", value=2, mtype="counter")
    rows = z.rows()
    assert rows["gauge", "a"] == (1, 3)
    assert rows["gauge", "b"][0] == 1
    assert rows["counter", "c"] == (1, 2)


def test_source_tags_and_level_are_the_series() -> None:
    z = RecordedInstruments(source="box", tags={"app": "shop"})
    z.count(name="c", level="WARN", tags={"status": "500"})
    z.count(name="c", source="other", level=40)
    (rows,) = z.buffers.drain.take()
    assert {(row.level, row.source, tuple(row.tags.items())) for row in rows.counters} == {
        ("warning", "box", (("app", "shop"), ("status", "500"))),
        ("error", "other", (("app", "shop"),)),
    }


def test_a_name_is_the_first_argument_of_all() -> None:
    z = RecordedInstruments()

    @z.time_me("t", level="debug")
    @z.count_me("c", value=2)
    def work() -> None: ...

    work()
    with z.Time_me("with"), z.Count_me("with"):
        pass
    z.count("direct")
    z.count("direct", value=2)
    z.timing("direct", 0.5)
    z.gauge("direct", value=3)
    rows = z.rows()
    assert {key: count for key, (count, _) in rows.items()} == {
        ("timer", "t"): 1,
        ("counter", "c"): 1,
        ("timer", "with"): 1,
        ("counter", "with"): 1,
        ("counter", "direct"): 2,
        ("timer", "direct"): 1,
        ("gauge", "direct"): 1,
    }
    assert rows["counter", "direct"] == (2, 3)


def test_a_decorator_may_stand_bare() -> None:
    z = RecordedInstruments()

    @z.time_me
    @z.count_me
    def bare(first: int) -> int:
        """Say so."""
        return first

    class Thing:
        @z.count_me
        @classmethod
        def made(cls) -> str:
            return cls.__name__

    assert (bare(3), bare.__name__, bare.__doc__) == (3, "bare", "Say so.")
    assert Thing.made() == "Thing"
    name = f"{__name__}.test_a_decorator_may_stand_bare"
    assert {key: count for key, (count, _) in z.rows().items()} == {
        ("timer", f"{name}.bare"): 1,
        ("counter", f"{name}.bare"): 1,
        ("counter", f"{name}.Thing.made"): 1,
    }


def test_below_the_threshold_a_function_is_returned_itself() -> None:
    z = RecordedInstruments(level="warning")

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
    z = RecordedInstruments()

    def function() -> None: ...

    assert z.count_me(name="c")(function) is function
    z.count(name="c")
    assert z.rows() == {}


def test_a_threshold_is_a_standard_level() -> None:
    assert threshold("error") == LevelFilter.parse("error+")
    with pytest.raises(ValueError, match="as threshold"):
        threshold("custom")


def test_asynchronous_with_blocks() -> None:
    z = RecordedInstruments()

    async def main() -> None:
        async with z.count_me(name="c"), z.time_me(name="t"):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert Counter(kind for kind, _ in z.rows()) == {"counter": 1, "timer": 1}
