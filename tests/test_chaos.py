"""The table of faults: a row for each, with what became of all that was made."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tests.chaos import HEAD, Faults
from tests.integration.tally import Tally


class Report:
    """The part of a report that the table uses."""

    def __init__(self, outcome: str, tally: Tally | None, when: str = "call") -> None:
        self.nodeid = f"{outcome}.{tally}"
        self.when = when
        self.passed, self.skipped = outcome == "passed", outcome == "skipped"
        self.user_properties: list[tuple[str, Any]] = [("fault", "the cat is on it")]
        if tally is not None:
            self.user_properties.append(("tally", tally.as_property()))


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (
            Report("passed", Tally(1000, 900, 3, {"waiting": 60}, {"full": 50}, {"again": 10})),
            "3 1,000 900 60 waiting 50 full 10 again 0",
        ),
        (Report("failed", Tally(10, 8)), "1 10 8 0 0 0 2"),
        (Report("failed", None), "FAILED"),
        (Report("skipped", None, "setup"), "skipped"),
    ],
)
def test_a_row_says_what_became_of_what_was_made(report: Report, words: str) -> None:
    faults = Faults()
    for noted in (Report("passed", None, "setup"), report):
        faults.pytest_runtest_logreport(cast(Any, noted))
    _, head, _, row, _ = faults.table().splitlines()
    assert head.split() == [*HEAD]
    assert row.split() == f"the cat is on it {words}".split()
