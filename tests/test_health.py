"""The report of a daemon's health: how bad it is in all, and the way through JSON."""

from __future__ import annotations

import msgspec

from tests.health_reports import healthy
from zibrato.health import CRITICAL, OK, WARNING, Health, Problem, worst


def test_the_worst_problem_is_what_counts() -> None:
    assert worst([]) == OK
    assert worst([Problem(WARNING, "a")]) == WARNING
    assert worst([Problem(WARNING, "a"), Problem(CRITICAL, "b"), Problem(WARNING, "c")]) == CRITICAL


def test_json_brings_it_back() -> None:
    report = healthy(problems=[Problem(WARNING, "a")], memory=None)
    assert msgspec.json.decode(msgspec.json.encode(report), type=Health) == report
