"""What editors and `help` are told of the instruments is what they take."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from tests.client.recorded import RecordedInstruments
from zibrato import Zibrato
from zibrato.client.signatures import Signatures

NAMES = [name for name in vars(Signatures) if not name.startswith("_")]


@pytest.mark.parametrize("name", NAMES)
def test_help_has_the_arguments_and_a_description(name: str) -> None:
    method = getattr(Zibrato, name)
    assert inspect.signature(method) == inspect.signature(getattr(Signatures, name))
    assert {"name", "level", "source", "tags"} <= set(inspect.signature(method).parameters)
    assert inspect.getdoc(method)


@pytest.mark.parametrize("name", NAMES)
def test_the_defaults_that_they_name_are_the_real_ones(name: str) -> None:
    parameters = inspect.signature(getattr(Zibrato, name)).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    required = {"name": "n", "value": 2} if name in {"timing", "gauge"} else {"name": "n"}
    assert recorded(name, required) == recorded(name, {**defaults, **required})


def recorded(name: str, arguments: dict[str, Any]) -> list[object]:
    """Return what an instrument records: the kind of each series, and what identifies it."""
    z = RecordedInstruments()
    used = getattr(z, name)(**arguments)
    if used is not None:
        with used:
            pass
    return [
        (kind, row.name, row.level, row.source, row.tags, getattr(row, "sum", None))
        for rows in z.buffers.drain.take()
        for kind in ("counters", "timers", "gauges")
        for row in getattr(rows, kind)
    ]
