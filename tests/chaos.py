"""Cause faults for Zibrato and its peers, and print what became of every measurement: `make chaos`.

    python -m tests.chaos [options of pytest]

The first table is made by the tests with the mark `fault`, which fail unless it is exact. For the
second table, tests/losses.py causes the same faults for receivers of statsd lines, Zibrato's and
others. Together they take a quarter of an hour.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import pytest

from benchmarks.report import machine, table, versions
from tests import hanging, losses
from tests.integration.tally import Tally
from tests.structure import ROOT

HEAD = ("fault", "times", "made", "delivered", "pending", "dropped", "duplicated", "lost")


class Faults:
    """A pytest plugin that notes what became of every measurement under each fault."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[str, ...]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the tally; a test without one was skipped or failed."""
        properties = dict(report.user_properties)
        fault, tally = properties.get("fault"), properties.get("tally")
        if not isinstance(fault, str) or (report.when != "call" and report.passed):
            return
        if isinstance(tally, Mapping):
            self.rows[report.nodeid] = (fault, *cells(Tally(**tally)))
        else:
            outcome = "skipped" if report.skipped else "FAILED"
            self.rows[report.nodeid] = (fault, outcome, *[""] * 6)

    def table(self) -> str:
        """Return the table, in order of the faults."""
        return table(HEAD, sorted(self.rows.values()))


def cells(tally: Tally) -> tuple[str, ...]:
    """Return the numbers of a row, with reasons for those that have any."""
    reasoned = (tally.pending, tally.dropped, tally.duplicated)
    numbers = (tally.times, tally.made, tally.delivered)
    return (
        *(f"{number:,}" for number in numbers),
        *(", ".join(f"{number:,} {reason}" for reason, number in part.items() if number) or "0"
          for part in reasoned),
        f"{tally.lost:,}",
    )  # fmt: skip


def main() -> int:
    """Run everything, print the tables, and return pytest's exit status."""
    faults = Faults()
    options = [
        "-m",
        "fault",
        "--numprocesses",
        "2",
        "--dist",
        "load",
        *hanging.OPTIONS,
        *sys.argv[1:],
    ]
    status = pytest.main([*options, str(ROOT / "tests/integration")], plugins=[faults])
    print(f"\n{machine()}; {versions('zibrato', 'Twisted', 'pyzmq')}\n")
    print(faults.table(), flush=True)
    print(f"\n{losses.table_of_losses()}", flush=True)
    return int(status)


if __name__ == "__main__":
    os.environ.setdefault("ZIBRATO_SOAK", "1")
    sys.exit(main())
