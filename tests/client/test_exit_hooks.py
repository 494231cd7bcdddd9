"""Exit hooks: registered with what the host has imported, once, and never in anybody's way."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from zibrato.client.exit_hooks import LAST, ExitHooks

PACKAGES = ("multiprocessing", "billiard")


class Util:
    """What is used of `multiprocessing.util`."""

    def __init__(self) -> None:
        self.after_fork: list[tuple[Any, Callable[[Any], None]]] = []
        self.finalizers: list[Callable[[], object]] = []

    def register_after_fork(self, owner: object, function: Callable[[Any], None]) -> None:
        self.after_fork.append((owner, function))

    def Finalize(self, obj: object, callback: Callable[[], object], *, exitpriority: int) -> None:
        assert (obj, exitpriority) == (None, LAST)
        self.finalizers.append(callback)


class Signal:
    """What is used of a signal of celery's."""

    def __init__(self) -> None:
        self.receivers: list[Callable[..., None]] = []

    def connect(self, receiver: Callable[..., None], weak: bool) -> None:
        assert not weak  # a bound method would be gone at once
        self.receivers.append(receiver)


class Host:
    """The modules of a host, of which none is there at first."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        for name in ("celery.signals", *[f"{package}.util" for package in PACKAGES]):
            monkeypatch.delitem(sys.modules, name, raising=False)
        self.ends = 0
        self.hooks = ExitHooks(self.finish)

    def finish(self) -> None:
        self.ends += 1

    def has(self, name: str, module: object) -> None:
        self._monkeypatch.setitem(sys.modules, name, module)

    def has_pool(self, package: str, process: str = "MainProcess") -> Util:
        util = Util()
        self.has(f"{package}.util", util)
        current = SimpleNamespace(name=process)
        self.has(f"{package}.process", SimpleNamespace(current_process=lambda: current))
        return util


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(monkeypatch)


def test_a_host_that_has_imported_nothing_is_left_alone(host: Host) -> None:
    before = set(sys.modules)
    host.hooks.register()
    assert set(sys.modules) == before
    assert host.ends == 0


@pytest.mark.parametrize("package", PACKAGES)
def test_a_main_process_registers_for_its_children_once(host: Host, package: str) -> None:
    util = host.has_pool(package)
    host.hooks.register()
    host.hooks.register()
    ((owner, after_fork),) = util.after_fork
    assert owner is host.hooks  # by which it is kept
    assert util.finalizers == []  # this process has `atexit`
    after_fork(owner)
    (finish,) = util.finalizers
    finish()
    assert host.ends == 1


@pytest.mark.parametrize("package", PACKAGES)
def test_a_worker_finishes_at_its_own_end(host: Host, package: str) -> None:
    util = host.has_pool(package, process="ForkPoolWorker-1")
    host.hooks.register()
    (finish,) = util.finalizers
    finish()
    assert host.ends == 1


def test_both_packages_may_be_there(host: Host) -> None:
    utils = [host.has_pool(package) for package in PACKAGES]
    host.hooks.register()
    assert [len(util.after_fork) for util in utils] == [1, 1]


def test_a_package_that_comes_later_is_met_by_the_next_call(host: Host) -> None:
    host.hooks.register()
    util = host.has_pool("multiprocessing")
    host.hooks.register()
    assert len(util.after_fork) == 1


def test_workers_of_celery_finish_as_they_shut_down(host: Host) -> None:
    """Connecting takes a lock of theirs, which a child may inherit held: so it connects no more."""
    signal = Signal()
    host.has("celery.signals", SimpleNamespace(worker_process_shutdown=signal))
    host.hooks.register()
    host.hooks.register()
    (receiver,) = signal.receivers
    receiver(sender=None, pid=1, exitcode=0)
    assert host.ends == 1


def test_a_module_that_is_being_imported_keeps_no_other_from_being_met(host: Host) -> None:
    host.has("multiprocessing.util", SimpleNamespace())
    host.has("celery.signals", SimpleNamespace())
    util = host.has_pool("billiard")
    host.hooks.register()
    assert len(util.after_fork) == 1
