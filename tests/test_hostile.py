"""The table of attacks: one row for each, however many tests it has."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tests.hostile import Table


class Report:
    """The part of a report that the table uses."""

    def __init__(self, attack: tuple[str, str] | None, when: str, outcome: str) -> None:
        self.user_properties = [] if attack is None else [("attack", [*attack])]
        self.when = when
        self.failed, self.skipped = outcome == "failed", outcome == "skipped"


@pytest.mark.parametrize(
    ("outcomes", "result"),
    [
        (["passed", "passed"], "held"),
        (["passed", "failed"], "FAILED"),
        (["failed", "passed"], "FAILED"),
        (["skipped"], "skipped"),
    ],
)
def test_an_attack_held_where_each_of_its_tests_passed(outcomes: list[str], result: str) -> None:
    table = Table()
    for outcome in outcomes:
        for when in ("setup", "call"):
            reported = Report(("much of it", "it fell"), when, outcome)
            table.pytest_runtest_logreport(cast(Any, reported))
    table.pytest_runtest_logreport(cast(Any, Report(None, "call", "failed")))
    assert list(table.results.values()) == [result]
    *_, row, last = table.lines()
    assert row.split() == ["much", "of", "it", "it", "fell", result]
    assert last.startswith("1 tried: ")


def test_long_cells_are_wrapped() -> None:
    table = Table()
    report = Report(("word " * 30, "b"), "call", "passed")
    table.pytest_runtest_logreport(cast(Any, report))
    rows = list(table.lines())[2:-1]
    assert len(rows) == 4
    assert all(len(row) <= 101 for row in rows)
