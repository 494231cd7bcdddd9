"""Short ways to parts of snapshots."""

from __future__ import annotations

from tests.backends.pauses import run
from zibrato.backends.hub.window import Part, parts
from zibrato.model import COUNTER, Identity, Series, Snapshot, Summary
from zibrato.snapshot_parts import encode_rows

RUN = "run"
NUMBER = 5
IDENTITY = Identity(RUN, NUMBER)


def parts_of(snapshot: Snapshot, identity: Identity = IDENTITY) -> tuple[list[Part], int]:
    """Return the parts of a snapshot, and how many measurements can't be shipped."""
    return run(parts(snapshot, identity))[0]


def numbered(*numbers: int, run: str = RUN) -> list[Part]:
    """Return parts of these numbers, each with one measurement."""
    rows = list(encode_rows({Series(COUNTER, "c", "here"): Summary(1, 1.0)}))
    return [Part(run, number, (10.0, 20.0), rows) for number in numbers]
