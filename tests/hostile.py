"""Attack Zibrato in every way that its tests know, and print what held: `make hostile`.

    python -m tests.hostile [options of pytest]

The tests' marks say which tests are attacks, and what each attack did before it was prevented. In
full length, this takes one or two minutes.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests import hanging
from tests.structure import ROOT

HELD, FAILED, SKIPPED = "held", "FAILED", "skipped"
WIDTH = 46


class Attack(NamedTuple):
    """What is tried, and what it did before."""

    tried: str
    before: str


class Table:
    """A pytest plugin that notes whether the tests of each attack passed."""

    def __init__(self) -> None:
        self.results: dict[Attack, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the outcome; a single failed test makes the attack fail."""
        for name, value in report.user_properties:
            if name == "attack" and isinstance(value, list | tuple):
                attack = Attack(*value)
                if report.failed:
                    self.results[attack] = FAILED
                elif report.when == "call" or report.skipped:
                    self.results.setdefault(attack, SKIPPED if report.skipped else HELD)

    def lines(self) -> Iterator[str]:
        """Generate the table, and a summary line."""
        yield from _row("tried", "before", "now")
        yield from _row("-" * WIDTH, "-" * WIDTH, "-------")
        for (tried, before), result in sorted(self.results.items()):
            yield from _row(tried, before, result)
        results = [*self.results.values()]
        counts = ", ".join(f"{results.count(kind)} {kind}" for kind in (HELD, FAILED, SKIPPED))
        yield f"{len(results)} tried: {counts}"


def _row(tried: str, before: str, result: str) -> Iterator[str]:
    """Generate the lines of a row, with wrapped cells."""
    cells = [textwrap.wrap(cell, WIDTH) for cell in (tried, before)]
    for index in range(max(map(len, cells))):
        texts = [cell[index] if index < len(cell) else "" for cell in cells]
        row = [f"{text:{WIDTH}}" for text in texts] + [result] * (not index)
        yield "  ".join(row).rstrip()


def main() -> int:
    """Run the attacks, print the table, and return pytest's exit status."""
    table = Table()
    options = ["-m", "attack", "--numprocesses", "2", "--dist", "loadfile", *hanging.OPTIONS]
    status = pytest.main([*options, *sys.argv[1:], str(ROOT / "tests")], plugins=[table])
    print("\n".join(table.lines()), flush=True)
    return int(status)


if __name__ == "__main__":
    os.environ.setdefault("ZIBRATO_SOAK", "1")
    sys.exit(main())
