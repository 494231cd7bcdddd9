"""Recordings: what was measured is told, narrowed, and forgotten on demand."""

from __future__ import annotations

import asyncio

import pytest

from zibrato.testing import Measurement, RecordingZibrato


def test_a_function_was_counted_and_timed() -> None:
    z = RecordingZibrato()

    @z.time_me(level="debug", name="render_timer")
    @z.count_me(name="render_counter")
    def render(page: str) -> str:
        return page.upper()

    assert z.counted("render_counter") == 0
    assert z.timed("render_timer") == []
    for page in ("a", "b"):
        render(page)
    assert z.counted("render_counter") == 2
    assert [0 < seconds < 1 for seconds in z.timed("render_timer")] == [True, True]
    render("c")
    assert z.counted("render_counter") == 3


def test_asynchronous_functions_and_blocks_too() -> None:
    z = RecordingZibrato()

    @z.count_me(name="fetched")
    async def fetch() -> None:
        async with z.time_me(name="slept"):
            await asyncio.sleep(0)

    asyncio.run(fetch())
    assert (z.counted("fetched"), len(z.timed("slept"))) == (1, 1)


def test_values_are_told_as_they_were_recorded() -> None:
    z = RecordingZibrato()
    z.count("rows", 4)
    z.count(name="rows", value=-1.5)
    z.timing("t", 0.25)
    z.timing("t", 0.75)
    z.gauge("g", 3)
    z.gauge("g", 1)
    assert z.counted("rows") == 2.5
    assert z.timed("t") == [0.25, 0.75]
    assert z.readings("g") == [3, 1]
    assert (z.counted("g"), z.timed("g"), z.readings("t")) == (0, [], [])


def test_questions_can_be_narrowed() -> None:
    z = RecordingZibrato(source="box", tags={"app": "shop"})
    z.count("c", 1, level="warn", tags={"status": "500", "route": "/"})
    z.count("c", 10, tags={"status": "200"})
    z.count("c", 100, source="other")
    assert z.counted("c") == 111
    assert z.counted("c", level="warning") == z.counted("c", level=30) == 1
    assert z.counted("c", source="other") == 100
    assert z.counted("c", source="box") == 11
    assert z.counted("c", tags={"status": "500"}) == 1
    assert z.counted("c", tags={"app": "shop"}) == 111
    assert z.counted("c", tags={"app": "shop", "status": "200"}, source="other") == 0
    with pytest.raises(ValueError, match="level: expected"):
        z.counted("c", level="no level")


def test_measurements_are_one_for_each_series() -> None:
    z = RecordingZibrato(source="box")
    z.timing("t", 0.5)
    z.count("c", 2, tags={"status": "500"})
    assert len(z.measurements) == 2
    z.timing("t", 0.25)
    z.count("c", 3, tags={"status": "500"})
    z.gauge("g", 7, level="debug", source="other")
    assert z.measurements == [
        Measurement("counter", "c", "info", "box", {"status": "500"}, 2, 5),
        Measurement("gauge", "g", "debug", "other", {}, 1, 7, (7,)),
        Measurement("timer", "t", "info", "box", {}, 2, 0.75, (0.5, 0.25)),
    ]
    assert repr(z) == ("<RecordingZibrato: counter c{status=500} x2, gauge g x1, timer t x2>")


def test_clear_empties() -> None:
    z = RecordingZibrato()
    z.count("c")
    z.clear()
    assert z.measurements == []
    assert repr(z) == "<RecordingZibrato: nothing>"
    z.count("c", 5)
    assert z.counted("c") == 5
