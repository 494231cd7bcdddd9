"""The screen of `zibrato top`, drawn with textual; it formats only what is on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Input, Static

from zibrato.printable import printable
from zibrato.terminal.feed import Feed
from zibrato.terminal.page import Page
from zibrato.terminal.series_table import ORDERS, Row, SeriesTable
from zibrato.terminal.top_lines import Columns, columns, head, numbers, sparkline

LOOK = 0.5
"""Seconds between two checks for something new."""
PLAIN, SPARK = Style(), Style(color="cyan")
LEVELS = {
    "debug": Style(dim=True),
    "warning": Style(color="yellow"),
    "error": Style(color="red"),
    "critical": Style(color="red", bold=True),
}


class SeriesView(ScrollView, can_focus=False):
    """Shows the rows that fit on the screen, of any number of rows."""

    DEFAULT_CSS = "SeriesView { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }"

    def __init__(self, table: SeriesTable) -> None:
        super().__init__()
        self.rows: Sequence[Row] = ()
        self._table = table

    @property
    def shown(self) -> Columns:
        """The columns that fit."""
        return columns(self.scrollable_content_region.width)

    def show(self, rows: Sequence[Row]) -> None:
        """Show other rows."""
        self.rows = rows
        self.virtual_size = Size(self.scrollable_content_region.width, len(rows))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return a line of the screen."""
        place = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if place >= len(self.rows):
            return Strip.blank(width)
        row, shown = self.rows[place], self.shown
        style = LEVELS.get(row.level, PLAIN)
        cells = [
            Segment(set_cell_size(row.label, shown.label), style),
            Segment(numbers(row, shown)),
        ]
        if shown.spark:
            values = row.spark(self._table.newest, shown.spark)
            cells.append(Segment(f" {sparkline(values)}", SPARK))
        return Strip(cells).adjust_cell_length(width)


class TopApp(App[None]):
    """Shows a table that a feed keeps up to date; the typed text is the filter."""

    CSS = """
    #about, #head { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    #about { background: $primary; color: $text; }
    #head { text-style: bold; }
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c,ctrl+q", "quit", "quit", priority=True),
        Binding("escape", "clear", "clear the filter", priority=True),
        Binding("tab", "order", "sort by", priority=True),
        Binding("up", "by(-1)", priority=True),
        Binding("down", "by(1)", priority=True),
        Binding("pageup", "pages(-1)", priority=True),
        Binding("pagedown", "pages(1)", priority=True),
    ]

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page
        self._table = SeriesTable()
        self._feed = Feed(page, self._table)
        self._order = next(iter(ORDERS))
        self._drawn = -1
        self._view = SeriesView(self._table)
        self._about = Static(markup=False, id="about")
        self._head = Static(markup=False, id="head")
        self._filter = Input(placeholder="type to filter", compact=True)

    def compose(self) -> ComposeResult:
        """Create the parts of the screen."""
        yield self._about
        yield self._filter
        yield self._head
        yield self._view

    def on_mount(self) -> None:
        """Start the feed."""
        self._filter.focus()
        self._feed.start()
        self.set_interval(LOOK, self._look)

    def on_unmount(self) -> None:
        """Stop the feed."""
        self._feed.stop()

    def on_input_changed(self) -> None:
        """Show the rows that match the filter."""
        self._view.scroll_to(y=0, animate=False)
        self._draw()

    def on_resize(self) -> None:
        """Draw again, after the parts have their new sizes."""
        self.call_after_refresh(self._draw)

    def action_clear(self) -> None:
        """Clear the filter."""
        self._filter.value = ""

    def action_order(self) -> None:
        """Sort by the next key."""
        orders = [*ORDERS]
        self._order = orders[(orders.index(self._order) + 1) % len(orders)]
        self._draw()

    def action_by(self, lines: int) -> None:
        """Scroll by lines."""
        self._view.scroll_relative(y=lines, animate=False)

    def action_pages(self, pages: int) -> None:
        """Scroll by pages."""
        self.action_by(pages * max(self._view.size.height - 1, 1))

    def _look(self) -> None:
        if self._table.version != self._drawn:
            self._draw()

    def _draw(self) -> None:
        """Find the rows in a thread, because it takes a while for 100,000 rows."""
        self._drawn = self._table.version
        text, order = self._filter.value, self._order
        self.run_worker(lambda: self._work(text, order), thread=True, exclusive=True)

    def _work(self, text: str, order: str) -> None:
        rows = self._table.view(text, order)
        # The screen may have ended before the thread; then nobody can use the rows.
        if self.is_running:
            self.call_from_thread(self._show, rows, text, order)

    def _show(self, rows: Sequence[Row], text: str, order: str) -> None:
        if (text, order) != (self._filter.value, self._order):
            return  # another search is running
        self._view.show(rows)
        problem = self._table.problem
        state = "live" if problem is None else printable(problem)
        count = f"{len(rows):,} of {len(self._table):,} series by {order} (tab)"
        self._about.update(f"{state}: {count}, {printable(self._page.url)}")
        shown = self._view.shown
        self._head.update(set_cell_size("series", shown.label) + head(shown, order))
