"""A table is fed from a page that goes, lies, and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.processes import eventually
from tests.terminal.series_json import START, counted, interval, listed, series
from tests.terminal.servers import response, serving
from zibrato.terminal import feed as feed_module
from zibrato.terminal.feed import Feed
from zibrato.terminal.page import Page
from zibrato.terminal.series_table import SeriesTable


@pytest.fixture(autouse=True)
def _pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(feed_module, "MAX_PAUSE", 0.01)


@contextmanager
def fed(*answers: bytes) -> Iterator[SeriesTable]:
    """Have a table that is fed by a page which answers so."""
    table = SeriesTable()
    with serving(*answers) as server:
        feed = Feed(Page(server.url), table)
        feed.start()
        try:
            yield table
        finally:
            feed.stop()


def stream(*events: tuple[str, bytes]) -> bytes:
    """Return a response with events of the second update."""
    parts = [b"event: %s\nid: 2\ndata: %s\n\n" % (name.encode(), data) for name, data in events]
    return response(b"retry: 2000\n\n" + b"".join(parts))


def value(table: SeriesTable) -> float | None:
    rows = table.view("", "name")
    return rows[0].value if rows else None


def test_the_list_comes_first_then_what_is_told_and_the_end_is_said() -> None:
    told = stream(("interval", interval(START + 10, counted(1, 30))))
    with fed(told, response(listed(series(1)))) as table:
        eventually(lambda: value(table) == 30.0)
        eventually(lambda: table.problem is not None)
        assert value(table) == 30.0  # what was known stays


def test_a_page_that_comes_back_has_all_loaded_anew() -> None:
    answers = stream(), response(listed(series(1))), stream(), response(listed(series(1, last=7.0)))
    with fed(*answers) as table:
        eventually(lambda: value(table) == 7.0)


@pytest.mark.parametrize(
    "answers",
    [
        (response(b"", 401),),
        (b"\x1b[2J",),
        (stream(), response(b"<html>")),
        (stream(("interval", b"<html>")), response(listed(series(1)))),
        (stream(("interval", interval(START + 10, counted(9, 1)))), response(listed(series(1)))),
        (response(b"event: \xff\n"), response(listed(series(1)))),
    ],
)
def test_whatever_it_answers_the_next_attempt_comes(answers: tuple[bytes, ...]) -> None:
    with fed(*answers, stream(), response(listed(series(1, last=7.0)))) as table:
        eventually(lambda: value(table) == 7.0)


def test_where_there_is_no_page_that_is_said() -> None:
    with serving() as server:
        pass
    table = SeriesTable()
    feed = Feed(Page(server.url), table)
    feed.start()
    eventually(lambda: "no page answers at http://" in (table.problem or ""))
    feed.stop()
