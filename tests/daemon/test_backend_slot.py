"""The place of a backend: another in it, and an account that stays whole."""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail
from zope.interface.verify import verifyObject

from tests.daemon.outbox.outboxes import FakeBackend, snapshot
from zibrato.daemon.backend_slot import BackendSlot
from zibrato.interfaces import Delivery, IBackend, RetryLater


class Account:
    """What is delivered, and what was begun anew."""

    def __init__(self) -> None:
        self.delivered = self.restored = 0
        self.first, self.second = FakeBackend(), FakeBackend()
        self.slot = BackendSlot("fake", self.first, self.restore)

    def restore(self, measurements: int) -> None:
        self.restored += measurements

    def note(self, measurements: int, _reason: str | None) -> None:
        self.delivered += measurements

    def delivery(self) -> Delivery:
        return Delivery([snapshot(0, 3), snapshot(10, 4)], self.note)

    def answer_in_part(self, delivery: Delivery) -> Deferred[None]:
        """Deliver three of seven, and be away for the rest."""
        delivery.delivered(3)
        delivery.requests, delivery.requests_size = "mine", 10
        return fail(RetryLater("away"))


def test_it_is_a_backend() -> None:
    account = Account()
    verifyObject(IBackend, account.slot)
    account.slot.deliver(account.delivery())
    assert account.first.given == [0, 10]
    account.slot.stop()
    assert account.first.stopped == 1


def test_what_one_has_begun_another_begins_anew_and_the_account_adds_up() -> None:
    account = Account()
    account.first.answer = account.answer_in_part
    delivery = account.delivery()
    account.slot.deliver(delivery).addErrback(lambda failure: failure.trap(RetryLater))
    account.slot.deliver(delivery).addErrback(lambda failure: failure.trap(RetryLater))
    assert (delivery.pending, delivery.requests, account.restored) == (1, "mine", 0)
    account.slot.replace(account.second)
    assert account.first.stopped == 1
    seen = []

    def look(given: Delivery) -> Deferred[None]:
        seen.append((given.pending, given.requests, given.requests_size))
        return account.second.take(given)

    account.second.answer = look
    account.slot.deliver(delivery)
    assert seen == [(7, None, 0)]
    assert 7 + account.restored == account.delivered + delivery.pending == 13


def test_who_is_busy_is_stopped_after_the_attempt() -> None:
    account = Account()
    attempt: Deferred[None] = Deferred()
    account.first.answer = lambda _delivery: attempt
    account.slot.deliver(account.delivery())
    account.slot.replace(account.second)
    assert account.first.stopped == 0
    attempt.callback(None)
    assert account.first.stopped == 1
    assert account.second.given == []


def test_without_one_deliveries_wait_for_the_next() -> None:
    account = Account()
    account.slot.replace(None)
    waiting = account.slot.deliver(account.delivery())
    account.slot.reload({})
    assert not waiting.called
    account.slot.replace(account.second)
    assert waiting.called
    assert account.second.given == [0, 10]
    assert account.restored == 0
    account.slot.replace(None)
    account.slot.stop()
    assert account.second.stopped == 1


def test_what_waits_for_one_can_be_cancelled() -> None:
    account = Account()
    account.slot.replace(None)
    waiting = account.slot.deliver(account.delivery())
    waiting.addErrback(lambda _: None)
    waiting.cancel()
    assert waiting.called
    account.slot.replace(account.second)
    assert account.second.given == []
