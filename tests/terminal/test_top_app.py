"""The screen of `zibrato top`, without a terminal; with one in tests/integration/test_terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from time import monotonic
from typing import Any

import msgspec
import pytest

from tests.integration.processes import DEADLINE
from tests.terminal.series_json import listed, series
from tests.terminal.servers import Server, response, serving
from zibrato.terminal.page import Page

top_app = pytest.importorskip("zibrato.terminal.top_app", reason="needs textual")

MANY = 5_000


@pytest.fixture
def many() -> Iterator[Server]:
    """A page with many series, which is gone after it has told of them."""
    body = listed(*(series(number, rate=float(number)) for number in range(MANY)))
    with serving(response(b"retry: 1\n\n"), response(body)) as server:
        yield server


def run(server: Server, size: tuple[int, int], look: Callable[[Any, Any], Awaitable[None]]) -> None:
    """Have `look(app, pilot)` look at it in a terminal of this size."""

    async def main() -> None:
        app = top_app.TopApp(Page(server.url))
        async with app.run_test(size=size) as pilot:
            limit = monotonic() + DEADLINE
            while not app._view.rows:
                assert monotonic() < limit
                await pilot.pause(0.01)
            await look(app, pilot)

    asyncio.run(main())


async def until(pilot: Any, condition: Callable[[], bool]) -> None:
    limit = monotonic() + DEADLINE
    while not condition():
        assert monotonic() < limit
        await pilot.pause(0.01)


def lines(app: Any) -> list[str]:
    """Return the lines of the list that are on the screen."""
    view = app._view
    return [view.render_line(y).text for y in range(view.size.height)]


@pytest.mark.parametrize("size", [(80, 24), (1, 1)])
def test_of_many_series_those_on_the_screen_are_worked_out(
    many: Server, size: tuple[int, int]
) -> None:
    async def look(app: Any, pilot: Any) -> None:
        await pilot.pause()
        rows = app._view.rows
        assert len(rows) == MANY
        drawn = sum(not isinstance(row._spark, msgspec.Raw) for row in rows)
        assert drawn <= size[1]
        assert all(len(line) == app._view.scrollable_content_region.width for line in lines(app))

    run(many, size, look)


def test_what_is_typed_filters_and_escape_shows_all_again(many: Server) -> None:
    async def look(app: Any, pilot: Any) -> None:
        await pilot.press(*"orders499")
        await until(pilot, lambda: len(app._view.rows) == 11)
        assert lines(app)[0].startswith("shop.orders4999 web-1 ")
        await pilot.press("space", *"no such")
        await until(pilot, lambda: len(app._view.rows) == 0)
        await pilot.press("escape")
        await until(pilot, lambda: len(app._view.rows) == MANY)

    run(many, (80, 24), look)


def test_tab_sorts_and_keys_scroll(many: Server) -> None:
    async def look(app: Any, pilot: Any) -> None:
        await pilot.press("pagedown", "down")
        await until(pilot, lambda: app._view.scroll_offset.y == app._view.size.height)
        await pilot.press("up", "pageup")
        await until(pilot, lambda: app._view.scroll_offset.y == 0)
        await pilot.press("tab")
        await until(pilot, lambda: lines(app)[0].startswith("shop.orders0 "))

    run(many, (80, 24), look)
