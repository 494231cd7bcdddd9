"""What is suggested to somebody who wrote a name that is not known."""

from __future__ import annotations

from zibrato.suggestion import suggestion

NAMES = ("librato", "log", "memory", "store")


def test_a_name_that_is_near_is_suggested() -> None:
    assert suggestion("stor", NAMES) == "; did you mean store?"
    assert suggestion("Libarto", NAMES) == "; did you mean librato?"
    assert suggestion("stroe", NAMES, "--") == "; did you mean --store?"


def test_a_name_that_begins_one_is_completed() -> None:
    options = ("flush-interval", "max-series", "max-stored-series")
    assert suggestion("flush", options) == "; did you mean flush-interval?"
    assert suggestion("max", options) == "; did you mean max-series?"
    assert suggestion("fl", options) == ""


def test_where_none_is_near_nothing_is() -> None:
    assert suggestion("carbon", NAMES) == suggestion("", NAMES) == suggestion("log", ()) == ""
    assert suggestion("x" * 1_000_000, NAMES) == ""
