"""Interpret responses to remote write: accepted, rejected, or to be retried; pure."""

from __future__ import annotations

import re

from zibrato.backends.http_responses import Response, error_message, raise_later, retry_after
from zibrato.interfaces import RetryLater

__all__ = ["classify", "is_late"]

_LATE = re.compile(
    r"out[ -]of[ -]order|duplicate sample|out of bounds|too old|already exists", re.I
)
"""What Prometheus and Mimir respond if they have newer samples, or another one at the same time."""


def classify(response: Response, now: float) -> str | None:
    """Return why a request is rejected, or None if it is accepted.

    Raises RetryLater if it may be accepted later, as the protocol specifies for each 5xx; `now` is
    the Unix time.
    """
    if 200 <= response.status < 300:
        return None
    says = error_message(response.body)
    raise_later(response, now, "remote write", says)
    reason = f"{response.status} {says}".rstrip()
    if response.status >= 500:
        raise RetryLater(f"the server answered {reason}", retry_after(response.headers, now))
    return reason


def is_late(reason: str) -> bool:
    """Return whether samples are rejected only for their time: later samples won't be."""
    return _LATE.search(reason) is not None
