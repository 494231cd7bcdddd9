"""Names are looked up beside the reactor's threads, and a few times at once at most."""

from __future__ import annotations

import threading
from socket import AF_INET, SOCK_STREAM, gaierror
from typing import Any

import pytest
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import IHostnameResolver, IReactorPluggableNameResolver
from twisted.internet.protocol import Factory
from twisted.internet.selectreactor import SelectReactor
from zope.interface import directlyProvides
from zope.interface.verify import verifyObject

from tests.fake_reactor import FakeReactor
from zibrato.tx.monotonic import MonotonicReactor
from zibrato.tx.names import MAX_LOOKUPS, NameResolver


class Reactor(FakeReactor):
    """A reactor that resolves names, in no threads of its own, and connects to nothing."""

    def __init__(self, look_up: Any) -> None:
        super().__init__()
        directlyProvides(self, IReactorPluggableNameResolver)
        self.nameResolver = NameResolver(self, look_up)
        self.connected: list[object] = []
        self.called = threading.Semaphore(0)

    def callFromThread(self, *args: Any, **kwargs: Any) -> None:
        super().callFromThread(*args, **kwargs)
        self.called.release()

    def connectTCP(self, host: object, *_: object, **__: object) -> None:
        self.connected.append(host)

    def lookup(self, name: str) -> list[object]:
        """Begin to connect; return a list to which an error will be added."""
        errors: list[object] = []
        connecting = HostnameEndpoint(self, name, 80).connect(Factory())
        connecting.addErrback(lambda failure: errors.append(failure.type))
        return errors

    def run(self) -> None:
        """Wait for the result of a look-up, and go on with it."""
        assert self.called.acquire(timeout=30)
        self.run_calls()
        self.advance(1)


def found(_host: object, port: int, *_: object) -> Any:
    return [(AF_INET, SOCK_STREAM, 6, "", ("192.0.2.1", port))]


def test_a_name_that_is_found_is_connected_to() -> None:
    reactor = Reactor(found)
    verifyObject(IHostnameResolver, reactor.nameResolver)
    for _ in range(MAX_LOOKUPS + 2):
        assert reactor.lookup("found.example") == []
        reactor.run()
    assert reactor.connected == ["192.0.2.1"] * (MAX_LOOKUPS + 2)


def test_a_name_that_is_not_found_is_an_error() -> None:
    def missing(*_: object) -> Any:
        raise gaierror(-2, "Name or service not known")

    reactor = Reactor(missing)
    for _ in range(MAX_LOOKUPS + 2):
        errors = reactor.lookup("missing.example")
        reactor.run()
        assert errors == [DNSLookupError]


@pytest.mark.attack(
    "a name server that never answers", before="after a minute no thread was left, and no OTLP"
)
def test_a_name_that_is_looked_up_for_ever_takes_few_threads_and_no_other_name_waits() -> None:
    answer, begun = threading.Event(), threading.Semaphore(0)

    def stuck(host: str, port: int, *_: object) -> Any:
        begun.release()
        assert host != "stuck.example" or answer.wait(30)
        return found(host, port)

    reactor = Reactor(stuck)
    before = threading.active_count()
    for _ in range(MAX_LOOKUPS):
        assert reactor.lookup("stuck.example") == []
        assert begun.acquire(timeout=30)
    for _ in range(10):
        assert reactor.lookup("stuck.example") == [DNSLookupError]
    assert threading.active_count() <= before + MAX_LOOKUPS
    reactor.lookup("other.example")
    reactor.run()
    assert reactor.connected == ["192.0.2.1"]
    answer.set()
    for _ in range(MAX_LOOKUPS):
        reactor.run()
    assert len(reactor.connected) == 1 + MAX_LOOKUPS


def test_a_daemons_reactor_has_it_unless_the_application_chose_another() -> None:
    wall = SelectReactor()
    try:
        assert isinstance(MonotonicReactor(wall).nameResolver, NameResolver)
        chosen = NameResolver(FakeReactor())
        wall.installNameResolver(chosen)
        assert MonotonicReactor(wall).nameResolver is chosen
    finally:
        wall.removeAll()


def test_without_a_thread_for_it_a_name_is_not_found_this_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    reactor = Reactor(found)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        for _ in range(MAX_LOOKUPS):
            errors = reactor.lookup("found.example")
            reactor.run()
            assert errors == [DNSLookupError]
    assert reactor.lookup("found.example") == []
    reactor.run()
    assert reactor.connected == ["192.0.2.1"]
