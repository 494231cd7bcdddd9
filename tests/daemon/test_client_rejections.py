"""Clients that were turned away: each is counted, one an interval logged."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from zibrato.daemon.client_rejections import ClientRejections
from zibrato.daemon.self_metrics import SelfMetrics


def test_each_is_counted_and_one_an_interval_logged() -> None:
    metrics, clock = SelfMetrics(), Clock()
    rejections = ClientRejections(metrics, clock, 10)
    with capturedLogs() as events:
        for _ in range(30):
            rejections.reject("unauthorised", "10.0.0.{1} has {no} key")
            clock.advance(0.5)
        rejections.reject("handshake", "it has no keys")
    assert metrics.total("zibrato.intake.rejected", reason="unauthorised") == 30
    assert metrics.total("zibrato.intake.rejected", reason="handshake") == 1
    assert metrics.total("zibrato.intake.received") == 31
    first, _ = [str(formatEvent(event)) for event in events]
    assert first.startswith("rejected a client: 10.0.0.{1} has {no} key; others")
