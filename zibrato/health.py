"""Private: how a daemon is, as its web servers tell it in JSON and the commands read it."""

from __future__ import annotations

import msgspec

__all__ = ["CRITICAL", "OK", "WARNING", "BackendHealth", "Health", "Problem", "worst"]

OK, WARNING, CRITICAL = SEVERITIES = ("ok", "warning", "critical")


class Problem(msgspec.Struct, frozen=True):
    """What is wrong, in words for people; `severity` is `warning` or `critical`."""

    severity: str
    text: str


class BackendHealth(msgspec.Struct, frozen=True):
    """What waits for one backend, and why; times are Unix times.

    `oldest` is the end of the oldest interval that waits. `error` is why it can't deliver, since
    `failing_since`; None while it can. `dropped` counts measurements by reason, since the start.
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
    """A daemon as of `now`; rates are those of the last interval, a second; None before it ended.

    Of what is counted since the start `rejected` and `dropped` are by reason. `memory` is in bytes
    and None where nobody tells it, `lag` the worst lateness of the reactor in the last interval, in
    seconds.
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
    """Return the worst severity of the problems; `ok` where there is none."""
    return max((problem.severity for problem in problems), key=SEVERITIES.index, default=OK)
