"""What an answer to remote write means: taken, rejected for good, or later; pure."""

from __future__ import annotations

import re

from zibrato.backends.http_responses import Response, error_message, raise_later, retry_after
from zibrato.interfaces import RetryLater

__all__ = ["classify", "is_late"]

_LATE = re.compile(
    r"out[ -]of[ -]order|duplicate sample|out of bounds|too old|already exists", re.I
)
"""How Prometheus and Mimir say that they have newer samples, or another at that time."""


def classify(response: Response, now: float) -> str | None:
    """Return why a request is rejected, None where it is taken.

    Raises RetryLater where it may be accepted later, as the protocol says of each 5xx; `now` is the
    Unix time.
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
    """Whether samples are rejected for their time alone: the next ones of their series won't be."""
    return _LATE.search(reason) is not None
