"""Frees snapshots bit by bit: all of one at once is a step of the interpreter, as long as 50 ms."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.internet.interfaces import IReactorTime

from zibrato.model import Snapshot

PART = 4000
"""Objects that are freed together: about a millisecond."""


def contents(snapshots: Iterable[Snapshot | None]) -> list[object]:
    """Return what snapshots hold: while that is there, to free the snapshots is quick."""
    held: list[object] = []
    for snapshot in snapshots:
        if snapshot is not None:
            held += snapshot.summaries
            held += snapshot.summaries.values()
    return held


def free(snapshots: list[Snapshot]) -> None:
    """Free snapshots that nobody else has; for a thread, between whose steps others have turns."""
    held = contents(snapshots)
    snapshots.clear()
    while held:
        del held[-PART:]


def free_in_turns(held: list[object], clock: IReactorTime) -> None:
    """Free `contents`: what is more than a part in turns of the reactor to come."""
    if len(held) > PART:
        clock.callLater(0, _free_part, held, clock)


def _free_part(held: list[object], clock: IReactorTime) -> None:
    del held[-PART:]
    free_in_turns(held, clock)
