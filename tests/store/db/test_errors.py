"""What the file can't do, as whoever asked is told."""

from __future__ import annotations

from zibrato.store.db.errors import InvalidValueError


def test_an_invalid_value_names_itself_and_says_why() -> None:
    error = InvalidValueError("end_time", "is before start_time")
    assert (error.param, error.messages) == ("end_time", ("is before start_time",))
    assert str(error) == "('end_time', 'is before start_time')"
