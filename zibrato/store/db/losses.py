"""The account of what the file can't hold or give back; no Twisted, for any thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zibrato.store.db.keys import series_id_of, start_of

DROPPED = "zibrato.store.dropped"
"""Counts, by reason, measurements past what a count can be, and corrupt rows and chunks."""
EVICTED = "zibrato.store.series_evicted"
"""Counts series that left the memory for others, by where that was full; they are in the file."""
EVENTS_EVICTED = "zibrato.store.events_evicted"
"""Counts events of annotations that were deleted for newer ones, by the bound that was passed."""
MAX_PLACES = 10_000
"""How many corrupt rows and chunks are told apart; more than these are not counted."""
Count = Callable[[str, int, str, str], None]
"""Counts so many in a series of the daemon's own: name, value, a tag and its value."""


class Losses:
    """Counts each loss with `count`; the first of a kind is told with `log`, in a line for people.

    What is corrupt stays so, and is read again and again: it is counted when it is first met.
    """

    def __init__(
        self,
        count: Count = lambda _name, _value, _tag, _tag_value: None,
        log: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._count = count
        self._log = log
        self._places: set[tuple[str, int | str]] = set()
        self._overflowed = False
        self._told_of_events = False
        self._told_of_units = False

    def corrupt(self, what: str, key: int) -> None:
        """Note that a row or chunk, `what`, with this key, is left out, as it can't be read."""
        place = f"a {what} of series {series_id_of(key)} at {start_of(key)} is"
        self._corrupt((what, key), place)

    def corrupt_text(self, what: str, owner: str) -> None:
        """Note that a text of JSON, such as the `attributes` of a metric, can't be read."""
        self._corrupt((what, owner), f"the {what} of {owner} are")

    def _corrupt(self, place: tuple[str, int | str], words: str) -> None:
        if place in self._places or len(self._places) >= MAX_PLACES:
            return
        self._places.add(place)
        self._count(DROPPED, 1, "reason", "corrupt")
        if len(self._places) == 1:
            self._log(f"{words} corrupt and left out; {DROPPED} counts what else is")

    def overflowed(self, measurements: int) -> None:
        """Note that a count, at its bound, does not count so many measurements."""
        if measurements > 0:
            self._count(DROPPED, measurements, "reason", "overflow")
            if not self._overflowed:
                self._overflowed = True
                self._log(f"a count is at its bound; {DROPPED} counts what it does not")

    def evicted(self, series: int, memory: str = "index") -> None:
        """Note that so many series left the memory for others, that of the index or the list."""
        if series:
            self._count(EVICTED, series, "memory", memory)

    def events_evicted(self, events: Mapping[str, int]) -> None:
        """Note that so many events were deleted for newer ones, by the bound that was passed."""
        for bound, count in events.items():
            self._count(EVENTS_EVICTED, count, "bound", bound)
            if not self._told_of_events:
                self._told_of_events = True
                self._log(
                    f"annotations are at their bound of {bound}: the oldest are deleted; "
                    f"{EVENTS_EVICTED} counts them"
                )

    def rejected_units(self, why: str) -> None:
        """Note that the units of metrics are not kept."""
        if not self._told_of_units:
            self._told_of_units = True
            self._log(f"units of metrics are not kept: {why}")
