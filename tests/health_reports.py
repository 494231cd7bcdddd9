"""Reports of a daemon's health, for tests of what reads them."""

from __future__ import annotations

from typing import Any

from zibrato.health import OK, BackendHealth, Health

WEEK = 7 * 86_400.0


def healthy(**changes: Any) -> Health:
    """Return the report of a healthy daemon, with these changes."""
    fields: dict[str, Any] = {
        "status": OK,
        "problems": [],
        "version": "1.0",
        "source": "here",
        "now": 1_000_000.0,
        "started": 900_000.0,
        "interval": 10.0,
        "addresses": ["ipc:///run/zibrato/socket"],
        "received": 12_345,
        "rejected": {},
        "dropped": {},
        "received_rate": 12.5,
        "rejected_rate": 0.0,
        "dropped_rate": 0.0,
        "series": 42,
        "memory": 50.0 * (1 << 20),
        "lag": 0.002,
        "backends": [backend()],
    }
    return Health(**{**fields, **changes})


def backend(**changes: Any) -> BackendHealth:
    """Return the report of a backend with an empty outbox, with these changes."""
    fields: dict[str, Any] = {
        "name": "librato",
        "intervals": 0,
        "measurements": 0,
        "size": 0,
        "max_size": 1 << 30,
        "oldest": None,
        "max_age": WEEK,
        "error": None,
        "failing_since": None,
        "delivered": 12_000,
        "dropped": {},
    }
    return BackendHealth(**{**fields, **changes})
