"""Full collections of garbage are spared what survived a slow one."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from zibrato.daemon import garbage
from zibrato.daemon.garbage import LongLived


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[LongLived]:
    """Return the service, running, to which every collection is slow."""
    monkeypatch.setattr(garbage, "SLOW", 0.0)
    running = LongLived()
    running.startService()
    yield running
    if running.running:
        running.stopService()


class Cycle:
    """Waits for the collector."""

    def __init__(self) -> None:
        self.itself = self


@pytest.mark.usefixtures("service")
def test_what_survived_a_slow_collection_is_spared() -> None:
    before = gc.get_freeze_count()
    gc.collect(1)
    assert gc.get_freeze_count() == before
    gc.collect()
    assert gc.get_freeze_count() > before


def test_what_was_spared_is_looked_at_once_an_hour(
    service: LongLived, monkeypatch: pytest.MonkeyPatch
) -> None:
    cycle = Cycle()
    gone = weakref.ref(cycle)
    gc.collect()
    del cycle
    gc.collect()
    assert gone() is not None
    monkeypatch.setattr(garbage, "PERIOD", 0.0)
    gc.collect()
    assert gone() is None
    service.stopService()
    assert gc.get_freeze_count() == 0


def test_a_quick_collection_spares_nothing(
    service: LongLived, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.stopService()
    monkeypatch.setattr(garbage, "SLOW", 1e9)
    service.startService()
    gc.collect()
    assert gc.get_freeze_count() == 0
