"""Private: a daemon's health report, which its web servers send as JSON and commands read."""

from __future__ import annotations

import msgspec

__all__ = ["CRITICAL", "OK", "WARNING", "BackendHealth", "Health", "Problem", "worst"]

OK, WARNING, CRITICAL = SEVERITIES = ("ok", "warning", "critical")


class Problem(msgspec.Struct, frozen=True):
    """A problem, in words for people; `severity` is `warning` or `critical`."""

    severity: str
    text: str


class BackendHealth(msgspec.Struct, frozen=True):
    """How much waits for one backend, and why; times are Unix times.

    `oldest` is the end of the oldest interval that waits. `error` says why the backend can't
    deliver, since `failing_since`; both are None while it can. `dropped` counts measurements by
    reason, since the start.
    """

    name: str
    intervals: int
    measurements: int
    size: int
    """Bytes, in memory and in the file."""
    max_size: int
    oldest: float | None
    max_age: float
    error: str | None
    failing_since: float | None
    delivered: int
    dropped: dict[str, int]


class Health(msgspec.Struct):
    """The health of a daemon at the time `now`.

    `received`, `rejected` and `dropped` count measurements since the start, the last two by reason.
    Rates are per second, over the last interval; None before the first interval has ended.
    `memory` is in bytes, and None if the platform doesn't tell it. `lag` is the largest lag of the
    reactor in the last interval, in seconds.
    """

    status: str
    problems: list[Problem]
    version: str
    source: str
    now: float
    started: float
    interval: float
    addresses: list[str]
    received: int
    rejected: dict[str, int]
    dropped: dict[str, int]
    received_rate: float | None
    rejected_rate: float | None
    dropped_rate: float | None
    series: int
    memory: float | None
    lag: float
    backends: list[BackendHealth]


def worst(problems: list[Problem]) -> str:
    """Return the worst severity of the problems; `ok` if there are none."""
    return max((problem.severity for problem in problems), key=SEVERITIES.index, default=OK)
