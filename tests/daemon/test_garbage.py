"""Full collections of garbage are spared what survived a slow one."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.environment import unmeasured
from zibrato.daemon import garbage
from zibrato.daemon.garbage import LongLived


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[LongLived]:
    """Return the service, running, to which every collection is slow."""
    monkeypatch.setattr(garbage, "SLOW", 0.0)
    running = LongLived()
    running.startService()
    gc.disable()  # none comes but those that a test asks for
    yield running
    gc.enable()
    if running.running:
        running.stopService()


@pytest.mark.usefixtures("service")
def test_what_survived_a_slow_collection_is_spared() -> None:
    survivor = [[number] for number in range(10_000)]
    before = gc.get_freeze_count()
    gc.collect(1)
    # Fewer may be left, for example where a collected object held the last reference to one.
    assert gc.get_freeze_count() <= before
    gc.collect()
    assert gc.get_freeze_count() > before
    assert survivor


def test_what_was_there_at_the_start_is_spared_until_the_end(service: LongLived) -> None:
    assert gc.get_freeze_count() > 10_000
    service.stopService()
    assert gc.get_freeze_count() == 0


DOUBLED = """
import gc, weakref
from zibrato.daemon import garbage

class Cycle:
    def __init__(self):
        self.itself = self

garbage.SLOW = 0.0
garbage.LongLived().startService()
gc.disable()
cycle = Cycle()
gone = weakref.ref(cycle)
gc.collect()
del cycle
garbage.PERIOD = 0.0
gc.collect()
gc.collect()
assert gone() is not None
more = [[number] for number in range(3 * gc.get_freeze_count())]
gc.collect()  # these are spared from here on
gc.collect()
assert gone() is None
"""


def test_everything_is_gone_through_once_what_is_spared_has_doubled() -> None:
    # In a process of its own: what all tests have imported, three times over, is millions.
    subprocess.run([sys.executable, "-c", DOUBLED], env=unmeasured(), check=True)


def test_full_collections_come_often_so_that_none_takes_long(service: LongLived) -> None:
    before = gc.get_threshold()
    assert before[1:] == garbage.THRESHOLDS
    service.stopService()
    assert all(late > often for late, often in zip(gc.get_threshold()[1:], before[1:], strict=True))


def test_a_quick_collection_spares_nothing_more(
    service: LongLived, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(garbage, "SLOW", 1e9)
    before = gc.get_freeze_count()
    more = [[number] for number in range(1000)]
    gc.collect()
    assert gc.get_freeze_count() <= before
    assert more
    assert service.running
