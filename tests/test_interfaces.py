"""What the interfaces promise by themselves: a delivery's account, and public names."""

from __future__ import annotations

from typing import cast

import pytest
from twisted.internet.interfaces import IReactorTime
from zope.interface.verify import verifyObject

from tests.fake_reactor import FakeReactor
from zibrato import delivery, interfaces
from zibrato.interfaces import BackendContext, Delivery, Reactor, RetryLater
from zibrato.model import COUNTER, Series, Snapshot, Summary
from zibrato.tx.monotonic import MonotonicReactor

SNAPSHOT = Snapshot(0, 10, {Series(COUNTER, name, "here"): Summary(5, 9.0) for name in "ab"})


def test_a_delivery_accounts_for_every_measurement() -> None:
    notes: list[tuple[int, str | None]] = []
    delivery = Delivery([SNAPSHOT], lambda count, reason: notes.append((count, reason)))
    assert (delivery.pending, delivery.faults) == (10, 0)
    assert (delivery.requests, delivery.requests_size) == (None, 0)
    delivery.delivered(7)
    delivery.dropped(2, "muted")
    assert delivery.pending == 1
    assert notes == [(7, None), (2, "muted")]


def test_a_retry_says_why_and_when() -> None:
    later = RetryLater("away", 5.0)
    assert (str(later), later.reason, later.after) == ("away", "away", 5.0)
    assert RetryLater("away").after == 0


def test_each_daemon_has_files_of_its_own() -> None:
    one, other = BackendContext(FakeReactor(), ()), BackendContext(FakeReactor(), ())
    assert one.files == set()
    assert one.files is not other.files
    with pytest.raises(AttributeError):
        one.percentiles = (50.0,)  # type: ignore[misc]  # it is frozen


def test_the_reactor_of_tests_is_one() -> None:
    verifyObject(Reactor, FakeReactor())
    verifyObject(IReactorTime, FakeReactor())


def test_a_real_reactor_has_all_that_is_asked_of_it() -> None:
    from twisted.internet import reactor

    complete = MonotonicReactor(cast(Reactor, reactor))
    assert all(callable(getattr(complete, name)) for name in Reactor.names(all=True))


def test_all_that_is_public_is_named() -> None:
    declared = {
        name
        for name, value in vars(interfaces).items()
        if getattr(value, "__module__", "") in {interfaces.__name__, delivery.__name__}
    }
    assert declared == set(interfaces.__all__)
