"""The goals for the client's figures, as ratios within one run, and whether they are met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from benchmarks.measure import Row
from benchmarks.peers import (
    COUNT,
    DECORATORS,
    EXCEPTIONS,
    GAUGE,
    IN_PROGRESS,
    OUTCOME,
    WITH,
)

Figures = Mapping[tuple[str, str], Row]
"""A row for each operation and client."""

OURS = "zibrato"
PLAIN = "a plain wrapper"
BARE = "a bare call"
RATIOS = {
    **{DECORATORS[0]: 0.85, DECORATORS[1]: 2.0, WITH: 3.5, GAUGE: 0.7, COUNT: 0.6},
    **{EXCEPTIONS: 0.85, OUTCOME: 2.0, IN_PROGRESS: 1.2},
}
LEAD = 8.0


class Verdict(NamedTuple):
    """One goal, and whether it was met."""

    goal: str
    wanted: str
    measured: str
    held: bool

    def cells(self) -> tuple[str, ...]:
        """Return the row of the table."""
        return (*self[:3], "held" if self.held else "NOT HELD")


def ratio(figures: Figures, operation: str, name: str) -> float:
    """Return the ratio to the time of a plain wrapper, which has the same form if there is one."""
    base = figures.get((operation, PLAIN)) or figures[DECORATORS[0], PLAIN]
    return figures[operation, name].median / base.median


def verdicts(figures: Figures) -> Iterator[Verdict]:
    """Yield a verdict for each goal that was measured."""
    for operation, limit in RATIOS.items():
        if (operation, OURS) in figures:
            measured = ratio(figures, operation, OURS)
            held = measured <= limit
            yield Verdict(f"{operation}: x a plain wrapper", f"{limit}", f"{measured:.2f}", held)
    for operation in dict.fromkeys(operation for operation, name in figures if name == OURS):
        yield from _leads(figures, operation)


def _leads(figures: Figures, operation: str) -> Iterator[Verdict]:
    """Yield the lead of an operation over the fastest peer, and over the fastest one by hand."""
    ours = figures[operation, OURS].median
    for by_hand in (False, True):
        peers = [
            (row.median / ours, name)
            for (measured, name), row in figures.items()
            if measured == operation
            and name not in (OURS, PLAIN, BARE)
            and row.snippet.by_hand == by_hand
        ]
        if peers:
            yield _lead(operation, by_hand, *min(peers))


def _lead(operation: str, by_hand: bool, lead: float, name: str) -> Verdict:
    least = LEAD if operation.startswith(DECORATORS) and not by_hand else 1.0
    what = f"{operation}: ahead of {name}{', by hand' if by_hand else ''}"
    return Verdict(what, f"{least:.0f} times", f"{lead:.1f} times", lead >= least)


def names(figures: Figures, operations: Sequence[str]) -> list[str]:
    """Return the clients that have figures for any of the operations, in their order."""
    return list(dict.fromkeys(name for operation, name in figures if operation in operations))
