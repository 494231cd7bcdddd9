"""A delivery's account; tests/daemon/outbox/test_outbox_account.py tests the outbox's use of it."""

from __future__ import annotations

from zibrato.interfaces import Delivery
from zibrato.model import COUNTER, Series, Snapshot, Summary


def test_what_is_noted_is_pending_no_more() -> None:
    noted: list[tuple[int, str | None]] = []
    snapshot = Snapshot(100.0, 110.0, {Series(COUNTER, "calls", "here"): Summary(5, 5.0)})
    delivery = Delivery([snapshot], lambda *note: noted.append(note))
    assert (delivery.pending, delivery.identities) == (5, [None])
    delivery.delivered(2)
    delivery.dropped(3, "rejected")
    assert Delivery([snapshot], lambda *_: None, (), 7).pending == 7  # if that is known
    assert noted == [(2, None), (3, "rejected")]
    assert delivery.pending == 0
