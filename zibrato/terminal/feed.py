"""Keep a table of series up to date from a page, in a thread; the page may go and come back."""

from __future__ import annotations

from contextlib import closing
from threading import Event, Thread

from zibrato.terminal.page import Page, UnreachableError
from zibrato.terminal.series_table import SeriesTable, UnknownSeriesError

FIRST_PAUSE, MAX_PAUSE = 0.5, 5.0
"""Seconds between two attempts: the first pause, and the longest."""


class Feed:
    """Updates `table` from `page`, between `start` and `stop`."""

    def __init__(self, page: Page, table: SeriesTable) -> None:
        self._page = page
        self._table = table
        self._stopped = Event()
        self._pause = FIRST_PAUSE
        # As a daemon thread it ends with the process, even while it waits for the page.
        self._thread = Thread(target=self._run, name="zibrato top", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no further attempt."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._follow()
            except UnreachableError as error:
                self._table.lose(str(error))
            except UnknownSeriesError:
                self._table.lose("the page's list of series has changed; loading it")
            except ValueError:  # msgspec's errors are ValueErrors
                self._table.lose(f"{self._page.url} is not a page of this version of Zibrato")
            self._stopped.wait(self._pause)
            self._pause = min(self._pause * 2, MAX_PAUSE)

    def _follow(self) -> None:
        """Load the list after subscribing to the events, so that nothing is missed in between."""
        with closing(self._page.events()) as events:
            next(events)
            self._table.load(self._page.get("data/series"))
            self._pause = FIRST_PAUSE
            for name, number, data in events:
                if self._stopped.is_set():
                    return
                self._table.add_event(name, number, data)
