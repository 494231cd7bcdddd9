"""Frees snapshots in parts: to free a whole one is one interpreter step, of up to 50 ms."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.internet.interfaces import IReactorTime

from zibrato.model import Snapshot

PART = 4000
"""Objects that are freed together; that takes about a millisecond."""


def contents(snapshots: Iterable[Snapshot | None]) -> list[object]:
    """Return all objects in snapshots; as long as these are referenced, freeing those is quick."""
    held: list[object] = []
    for snapshot in snapshots:
        if snapshot is not None:
            held += snapshot.summaries
            held += snapshot.summaries.values()
    return held


def free(snapshots: list[Snapshot]) -> None:
    """Free snapshots without other references; for a thread, so that others run in between."""
    held = contents(snapshots)
    snapshots.clear()
    while held:
        del held[-PART:]


def free_in_turns(held: list[object], clock: IReactorTime) -> None:
    """Free the result of `contents`: one part at each turn of the reactor."""
    if len(held) > PART:
        clock.callLater(0, _free_part, held, clock)


def _free_part(held: list[object], clock: IReactorTime) -> None:
    del held[-PART:]
    free_in_turns(held, clock)
