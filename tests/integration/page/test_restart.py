"""A daemon that was started again shows at once what it had."""

from __future__ import annotations

from array import array
from time import time
from typing import Any

import zmq

from tests.integration.browser import Tab
from tests.integration.page.elements import expect, row
from tests.integration.page.store_daemon import StoreDaemon
from tests.integration.processes import eventually
from zibrato.wire import VERSION, Batch, SampleRow, encode, pack

SERIES = 3000
INTERVALS = 20


def frame(when: float, names: list[str], sequence: int) -> bytes:
    """Return the frame of a reading of each name in the second `when`."""
    reading = pack(array("d", [1.0]))
    rows = [SampleRow(name, "info", "box", {}, reading) for name in names]
    return encode(Batch(VERSION, f"restart-{sequence}", 0, when, when + 1, (), (), rows))


def shown(served: StoreDaemon, name: str) -> Any:
    series = served.get("/data/series")["series"]
    return next((one for one in series if one["name"] == name), None)


def test_the_first_answer_after_a_restart_is_complete(served: StoreDaemon, tab: Tab) -> None:
    names = [f"many.{number:04}" for number in range(SERIES)]
    first = int(time()) - INTERVALS
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.connect(served.socket)
        socket.send(frame(first - 5000, ["silent"], 0))
        for second in range(INTERVALS):
            socket.send(frame(first + second, names, second + 1))
        newest = names[-1]
        eventually(lambda: len((shown(served, newest) or {"spark": ()})["spark"]) >= INTERVALS)
    served.stop()
    served.start()
    for answer in [served.get("/data/series") for _ in range(3)]:
        series = {one["name"]: one for one in answer["series"]}
        points = {sum(value is not None for value in series[name]["spark"]) for name in names}
        # A sparkline is a minute long: on a busy machine the first values may be older by now.
        missing = max(0, int(answer["now"]) - 58 - first)
        assert len(points) == 1
        assert INTERVALS - missing <= points.pop() <= INTERVALS
        assert (series["silent"]["last"], series["silent"]["seen"]) == (1.0, first - 5000)
    page = tab.open(f"{served.url}/#/?q=silent")
    expect(row(page, "silent").locator(".last")).to_contain_text("1")
    expect(row(page, "silent").locator(".rate")).to_have_text("1 h ago")
    tab.checked(served.url)
