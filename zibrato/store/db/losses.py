"""Counts and logs what the file loses or can't read; no Twisted, for any thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zibrato.store.db.keys import series_id_of, start_of

DROPPED = "zibrato.store.dropped"
"""Counts, by reason, measurements beyond the largest count, those of series for which there is no
room, and corrupt rows and chunks."""
EVICTED = "zibrato.store.series_evicted"
"""Counts series that left a full memory for others, by memory; they are still in the file."""
EVENTS_EVICTED = "zibrato.store.events_evicted"
"""Counts annotation events that were deleted for newer ones, by the bound that was exceeded."""
SERIES_DELETED = "zibrato.store.series_deleted"
"""Counts series that were deleted from the file for newer ones, by the bound that was exceeded."""
MAX_PLACES = 10_000
"""How many corrupt rows and chunks are told apart; any further ones aren't counted."""
Count = Callable[[str, int, str, str], None]
"""Adds to a counter of the daemon's own: its name, the value, a tag's name and the tag's value."""


class Losses:
    """Counts each loss with `count`; logs the first of each kind with `log`, as a line for people.

    Corrupt data stays corrupt and is read repeatedly, so it is counted only the first time.
    """

    def __init__(
        self,
        count: Count = lambda _name, _value, _tag, _tag_value: None,
        log: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._count = count
        self._log = log
        self._places: set[tuple[str, int | str]] = set()
        self._logged: set[str] = set()

    def corrupt(self, what: str, key: int) -> None:
        """Note that a row or chunk (`what`) with this key can't be read and is left out."""
        place = f"a {what} of series {series_id_of(key)} at {start_of(key)} is"
        self._corrupt((what, key), place)

    def corrupt_text(self, what: str, owner: str) -> None:
        """Note that a JSON text, such as the `attributes` of a metric, can't be read."""
        self._corrupt((what, owner), f"the {what} of {owner} are")

    def _corrupt(self, place: tuple[str, int | str], words: str) -> None:
        if place in self._places or len(self._places) >= MAX_PLACES:
            return
        self._places.add(place)
        self._count(DROPPED, 1, "reason", "corrupt")
        if len(self._places) == 1:
            self._log(f"{words} corrupt and left out; {DROPPED} counts all that are")

    def overflowed(self, measurements: int) -> None:
        """Note that a count has reached its bound and leaves out so many measurements."""
        if measurements > 0:
            self._count(DROPPED, measurements, "reason", "overflow")
            self._log_once(
                "count", f"a count is at its bound; {DROPPED} counts measurements beyond"
            )

    def evicted(self, series: int, memory: str = "index") -> None:
        """Note that so many series left a memory for others: the `index` or the list."""
        if series:
            self._count(EVICTED, series, "memory", memory)

    def series_deleted(self, series: int) -> None:
        """Note that so many series were deleted from the file to make room."""
        self._count(SERIES_DELETED, series, "bound", "bytes")
        self._log_once(
            "series",
            "series have reached their bound, a quarter of the file: those that were measured "
            f"longest ago are deleted; {SERIES_DELETED} counts them",
        )

    def no_room(self, measurements: int) -> None:
        """Note that so many measurements were dropped, because their series could not be stored."""
        if measurements > 0:
            self._count(DROPPED, measurements, "reason", "series")
            self._log_once(
                "room",
                "new series are dropped, because a quarter of the file has no room for all of "
                f"them; {DROPPED} counts their measurements",
            )

    def events_evicted(self, events: Mapping[str, int]) -> None:
        """Note how many events were deleted for newer ones, by the bound that was exceeded."""
        for bound, count in events.items():
            self._count(EVENTS_EVICTED, count, "bound", bound)
            self._log_once(
                "events",
                f"annotations are at their bound of {bound}: the oldest are deleted; "
                f"{EVENTS_EVICTED} counts them",
            )

    def rejected_units(self, why: str) -> None:
        """Note that the units of metrics are not stored."""
        self._log_once("units", f"units of metrics are not kept: {why}")

    def _log_once(self, kind: str, line: str) -> None:
        if kind not in self._logged:
            self._logged.add(kind)
            self._log(line)
