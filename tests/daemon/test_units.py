"""Units are told once, to backends that keep them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from zope.interface import implementer

from zibrato.daemon import units as module
from zibrato.daemon.units import Units
from zibrato.interfaces import Delivery, IUnitBackend


@implementer(IUnitBackend)
class Backend:
    """Keeps what it is told, once it is let."""

    name = "backend"

    def __init__(self) -> None:
        self.kept: list[Mapping[str, str]] = []
        self.keeping: list[Deferred[None]] = []

    def deliver(self, _: Delivery) -> Deferred[None]:
        raise AssertionError

    def reload(self, _: Mapping[str, str]) -> None:
        raise AssertionError

    def stop(self) -> Deferred[None]:
        raise AssertionError

    def keep_units(self, units: Mapping[str, str]) -> Deferred[None]:
        self.kept.append(units)
        self.keeping.append(Deferred())
        return self.keeping[-1]


def told() -> tuple[Units, Backend]:
    units, backend = Units(), Backend()
    backends: Any = [object(), backend]
    units.send_to(backends)
    return units, backend


def test_what_is_new_is_told_once_and_together() -> None:
    units, backend = told()
    units.tell({"a": "B"})
    units.tell({"a": "B"})
    units.tell({"b": "ms"})
    units.tell({"a": "kB"})
    assert backend.kept == [{"a": "B"}]
    backend.keeping[0].errback(OSError())
    assert backend.kept == [{"a": "B"}, {"b": "ms", "a": "kB"}]
    backend.keeping[1].callback(None)
    assert len(backend.kept) == 2


def test_so_many_names_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_NAMES", 1)
    units, backend = told()
    units.tell({"a": "B", "b": "B"})
    assert backend.kept == [{"a": "B"}]
