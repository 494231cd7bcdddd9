"""A backend's account: what is counted, and what is said of it."""

from __future__ import annotations

from twisted.logger import capturedLogs, formatEvent

from zibrato.daemon.backend_account import BackendAccount
from zibrato.daemon.self_metrics import SelfMetrics


def test_what_is_counted_is_the_backend_s_own() -> None:
    metrics = SelfMetrics()
    mine, other = BackendAccount(metrics, "mine"), BackendAccount(metrics, "other")
    mine.note(3, None)
    mine.note(2, "muted")
    mine.note(1, "muted")
    other.note(50, "expired")
    assert (mine.delivered, mine.dropped) == (3, {"muted": 3})
    assert (other.delivered, other.dropped) == (0, {"expired": 50})


def test_each_reason_is_warned_of_once_until_it_is_forgotten() -> None:
    account = BackendAccount(SelfMetrics(), "mine")
    with capturedLogs() as events:
        for reason in ("refused", "refused", "reset"):
            account.warn_once(reason, "{backend}: {reason}")
        account.forget()
        account.warn_once("refused", "{backend}: {reason}")
    told = [formatEvent(event) for event in events]
    assert told == ["mine: refused", "mine: reset", "mine: refused"]
